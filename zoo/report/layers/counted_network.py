"""A network as the page sees it: its rows with what they read, and their windows."""

import math
from dataclasses import dataclass
from functools import cached_property

import flax.linen as nn

from zoo.counting.formulas import Shape
from zoo.counting.layer_grouping import POOLS
from zoo.counting.records import Row, Summary
from zoo.counting.row_inputs import Input, wiring
from zoo.counting.summarize import summary_of, traced
from zoo.geometry import Pads


@dataclass(frozen=True)
class Window:
    """A convolution or a pool over maps: what its formulas are worked with. `bias` is None for a pool."""

    input_shape: Shape
    kernel: tuple[int, int]
    stride: tuple[int, int]
    pads: Pads
    dilation: tuple[int, int]
    groups: int
    filters: int
    bias: bool | None

    @property
    def is_conv(self) -> bool:
        """Whether it has weights."""
        return self.bias is not None


@dataclass(frozen=True)
class Layer:
    """A row of the summary, numbered, with its inputs."""

    index: int
    row: Row
    inputs: tuple[Input, ...]

    @property
    def top(self) -> str:
        """The part of the network that it lies in, "" for none."""
        return self.row.path.split("/")[0]

    @property
    def maps(self) -> tuple[int, int, int]:
        """(height, width, channels) of its output; a vector is 1x1."""
        return map_shape(self.row.output_shape)

    @property
    def quiet(self) -> bool:
        """Whether it only changes values in place: an activation, dropout, a change of shape."""
        row = self.row
        marked = row.operation in POOLS or row.operation in ("local_response_norm", "split")
        same = all(math.prod(one.shape) == math.prod(row.output_shape) for one in self.inputs)
        return same and not (row.kernel or row.parameters or row.reused_parameters or row.macs or self.joins or marked)

    @property
    def joins(self) -> bool:
        """Whether branches meet in it."""
        return len({one.row for one in self.inputs}) > 1

    @cached_property
    def window(self) -> Window | None:
        """Its window, where it is a convolution or a pool over one input's maps."""
        row, shapes = self.row, [one.shape for one in self.inputs if len(one.shape) == 4]
        known = row.kernel is not None and len(row.kernel) == 2 and len(row.output_shape) == 4 and shapes
        if not known or row.operation == "transposed_conv":
            return None
        height, width, channels = shapes[0][1:]
        filters = row.output_shape[-1]
        bias = None if row.operation in POOLS or not row.macs else self._bias(channels)
        return Window(
            (height, width, channels), row.kernel, row.stride, row.padding, row.dilation, row.groups or 1, filters, bias
        )

    def _bias(self, channels: int) -> bool:
        """Whether there is more than the kernels. Of what an earlier row has shown only the sum is known."""
        row = self.row
        kernel = row.kernel[0] * row.kernel[1] * channels // (row.groups or 1) * row.output_shape[-1]
        return row.parameters > row.weights or row.parameters + row.reused_parameters > kernel


@dataclass(frozen=True)
class Counted:
    """A network with all its layers."""

    name: str
    summary: Summary
    layers: tuple[Layer, ...]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of its images."""
        return self.summary.input_shape[1:]


def counted(name: str, model: nn.Module, image_shape: tuple[int, int, int]) -> Counted:
    """A network counted for one image. Raises CountError where it cannot be."""
    graph = traced(model, (1, *image_shape))
    summary = summary_of(type(model).__name__, graph)
    inputs = wiring(graph)
    layers = (Layer(index, row, inputs[index]) for index, row in enumerate(summary.rows))
    return Counted(name, summary, tuple(layers))


def map_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """(height, width, channels) of a batch of maps or vectors; other axes are put with the channels."""
    if len(shape) == 4:
        return shape[1:]
    if len(shape) == 3:
        return shape[1], 1, shape[2]
    return 1, 1, shape[-1] if len(shape) > 1 else 1
