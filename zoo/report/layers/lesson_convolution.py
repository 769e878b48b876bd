"""The lesson's convolution with three kinds of padding."""

from dataclasses import dataclass

from zoo.geometry import Padding, explicit_padding
from zoo.report.layers.counted_network import Window
from zoo.report.layers.formulas import Formula, window_formulas, window_output_shape

LESSON_INPUT, FILTERS, KERNEL, STRIDE = (32, 32, 3), 20, (8, 8), (2, 2)
PADDINGS: tuple[tuple[str, Padding], ...] = (("padding 1", 1), ("SAME", "SAME"), ("VALID", "VALID"))


@dataclass(frozen=True)
class LessonConvolution:
    """The convolution with one kind of padding, and its formulas."""

    padding: str
    output: tuple[int, int, int]
    formulas: tuple[Formula, ...]

    def result(self, label: str) -> str:
        """The result of one formula."""
        return next(one.result for one in self.formulas if one.label == label)


def lesson_convolutions() -> tuple[LessonConvolution, ...]:
    """32x32x3, 20 filters of 8x8, stride 2: with padding 1 on each side, SAME, and VALID."""
    return tuple(_lesson_convolution(name, padding) for name, padding in PADDINGS)


def _lesson_convolution(name: str, padding: Padding) -> LessonConvolution:
    window = Window(
        input_shape=LESSON_INPUT,
        kernel=KERNEL,
        stride=STRIDE,
        pads=explicit_padding(LESSON_INPUT[:2], KERNEL, STRIDE, padding),
        dilation=(1, 1),
        groups=1,
        filters=FILTERS,
        bias=True,
    )
    return LessonConvolution(name, window_output_shape(window), window_formulas(window))
