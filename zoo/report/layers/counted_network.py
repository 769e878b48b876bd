"""A network with its counts: every row of its summary with its inputs and, for convolutions and pools, its window."""

import math
from dataclasses import dataclass
from functools import cached_property

import flax.linen as nn

from zoo.counting.formulas import Shape
from zoo.counting.layer_grouping import POOL_FUNCTIONS
from zoo.counting.records import Row
from zoo.counting.row_inputs import RowInput, row_inputs
from zoo.counting.summarize import summarize_graph, trace_network
from zoo.counting.summary import Summary
from zoo.geometry import Pads


@dataclass(frozen=True)
class Window:
    """The sizes of a convolution or a pool over maps, as its formulas need them. `bias` is None for a pool."""

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
    """A row of the summary, its index, and its inputs."""

    index: int
    row: Row
    inputs: tuple[RowInput, ...]

    @property
    def top(self) -> str:
        """The network's submodule that it belongs to; "" for an operation between submodules."""
        return self.row.path.split("/")[0]

    @property
    def maps(self) -> tuple[int, int, int]:
        """(height, width, channels) of its output; a vector is 1x1."""
        return map_shape(self.row.output_shape)

    @property
    def parameters(self) -> int:
        """All its parameters, also those that an earlier layer already counts."""
        return self.row.parameters + self.row.reused_parameters

    @property
    def is_minor(self) -> bool:
        """Whether it only changes values in place: an activation, dropout, a reshape."""
        row = self.row
        major = row.operation in POOL_FUNCTIONS or row.operation in ("local_response_norm", "split") or self.joins
        same_size = all(math.prod(one.shape) == math.prod(row.output_shape) for one in self.inputs)
        return same_size and not (row.kernel or self.parameters or row.macs or major)

    @property
    def joins(self) -> bool:
        """Whether it joins branches."""
        return len({one.row for one in self.inputs}) > 1

    @cached_property
    def window(self) -> Window | None:
        """Its window if it is a convolution or a pool over the maps of one input."""
        row, shapes = self.row, [one.shape for one in self.inputs if len(one.shape) == 4]
        if len(row.output_shape) != 4 or not shapes or row.operation == "transposed_conv":
            return None
        if row.kernel is None or row.stride is None or row.padding is None or row.dilation is None:
            return None
        if len(row.kernel) != 2:
            return None
        height, width, channels = shapes[0][1:]
        vertical, horizontal = row.padding
        return Window(
            input_shape=(height, width, channels),
            kernel=_pair(row.kernel),
            stride=_pair(row.stride),
            pads=(vertical, horizontal),
            dilation=_pair(row.dilation),
            groups=row.groups or 1,
            filters=row.output_shape[-1],
            bias=None if row.operation in POOL_FUNCTIONS or not row.macs else self._has_bias(channels),
        )

    def _has_bias(self, channels: int) -> bool:
        """Whether there are more parameters than the kernels have. Of reused parameters only the sum is known."""
        row = self.row
        kernels = math.prod(row.kernel or ()) * channels // (row.groups or 1) * row.output_shape[-1]
        return row.parameters > row.weights or self.parameters > kernels


@dataclass(frozen=True)
class CountedNetwork:
    """A network's name, its summary and its layers."""

    name: str
    summary: Summary
    layers: tuple[Layer, ...]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of its images."""
        _, height, width, channels = self.summary.input_shape
        return height, width, channels


def count_network(name: str, model: nn.Module, image_shape: tuple[int, int, int]) -> CountedNetwork:
    """A network counted for one image [height, width, channels]. Raises CountError if the network does not take it."""
    graph = trace_network(model, (1, *image_shape))
    summary = summarize_graph(type(model).__name__, graph)
    inputs = row_inputs(graph)
    layers = (Layer(index, row, inputs[index]) for index, row in enumerate(summary.rows))
    return CountedNetwork(name, summary, tuple(layers))


def map_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """(height, width, channels) of a batch of maps or vectors; of [batch, length, channels] the width is 1."""
    if len(shape) == 4:
        return shape[1:]
    if len(shape) == 3:
        return shape[1], 1, shape[2]
    return 1, 1, shape[-1] if len(shape) > 1 else 1


def _pair(sizes: tuple[int, ...]) -> tuple[int, int]:
    vertical, horizontal = sizes
    return vertical, horizontal
