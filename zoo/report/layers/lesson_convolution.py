"""The lesson's worked convolution, under its three paddings."""

from dataclasses import dataclass

from zoo.geometry import Padding, explicit_padding
from zoo.report.layers.formulas import Step, output_shape, window_steps
from zoo.report.layers.layers import Window

LESSON_INPUT, FILTERS, KERNEL, STRIDE = (32, 32, 3), 20, (8, 8), (2, 2)
PADDINGS: tuple[tuple[str, Padding], ...] = (("padding 1", 1), ("SAME", "SAME"), ("VALID", "VALID"))


@dataclass(frozen=True)
class Worked:
    """The example under one padding."""

    name: str
    window: Window
    output: tuple[int, int, int]
    steps: tuple[Step, ...]

    def result(self, label: str) -> str:
        """Of one step."""
        return next(step.result for step in self.steps if step.label == label)


def lesson_example() -> tuple[Worked, ...]:
    """32x32x3, 20 filters of 8x8, stride 2: with padding 1 on each side, SAME, and VALID."""
    return tuple(_worked(name, padding) for name, padding in PADDINGS)


def _worked(name: str, padding: Padding) -> Worked:
    pads = explicit_padding(LESSON_INPUT[:2], KERNEL, STRIDE, padding)
    window = Window(LESSON_INPUT, KERNEL, STRIDE, pads, (1, 1), 1, FILTERS, True)
    return Worked(name, window, output_shape(window), window_steps(window))
