"""A traced network as plain records: its operations, what they read, and the module calls that they belong to."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class AxisMap:
    """Which positions of an input axis an output position o reads: from first + o * stride on, `span` positions wide.

    `axis` is the output axis of o; None where every output reads the same positions. Of the span only every `step`-th
    position is read. `first` and `span` may be arrays that broadcast against the output, where they differ between
    its features. `size` is that of the input axis if some outputs read only positions outside of it, and so nothing.
    """

    axis: int | None
    first: int | np.ndarray = 0
    stride: int = 1
    span: int | np.ndarray = 1
    step: int = 1
    size: int | None = None


@dataclass(frozen=True, eq=False)
class AxisTable:
    """Which positions of an input axis each position of output axis `axis` reads, as a list.

    `compute` makes it: int [output positions, at most], with -1 where there are fewer. `size` is as in `AxisMap`.
    """

    axis: int
    compute: Callable[[], np.ndarray]
    size: int | None = None

    @cached_property
    def positions(self) -> np.ndarray:
        """The list, computed once."""
        return self.compute()


@dataclass(frozen=True, eq=False)
class IndexMap:
    """What an operation reads of one of its operands, with one part for each axis of the operand.

    `move` does what the parts cannot say, such as a reshape, and then stands for all of them: it gets an array with
    one value for each position of the operand (or of size 1 along axes where all are the same) and returns, for each
    output position, the smallest of the values that the position reads, or NOTHING. An axis has a part besides only
    if what is read along it does not depend on the other axes. `has_gaps`: some outputs read nothing of this operand,
    as in a concatenation. `exact` is False for an operation that may read less than this, and `exact_apart` if
    that is so only where positions differ in more than a shift. `masks`: the outputs that read nothing are constants,
    with which a product may be zero.
    """

    axes: tuple[AxisMap | AxisTable | None, ...]
    move: Callable[[np.ndarray], np.ndarray] | None = None
    has_gaps: bool = False
    exact: bool = True
    exact_apart: bool = True
    masks: bool = False


# The value of `IndexMap.move` for an output that reads nothing; larger than any position, also after many layers.
NOTHING = 1 << 48


@dataclass(frozen=True)
class WindowGeometry:
    """A convolution or a pool on its spatial axes; padding as (low, high) pairs.

    `transposed`: a transposed convolution, also one with stride 1. `fits` is False where the window is larger than the
    padded input, so that the output is empty.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    input_dilation: tuple[int, ...]
    groups: int = 1
    transposed: bool = False
    fits: bool = True


@dataclass(frozen=True)
class ModuleCall:
    """One call of a module's method. `is_flax_layer`: a layer class of Flax, which is shown as one row."""

    path: tuple[str, ...]
    class_name: str
    is_flax_layer: bool


@dataclass(frozen=True)
class Variable:
    """A leaf of the variables, or its slice `index` where `nn.scan` stacks the variables of its layers.

    The index has a number for each scan, the outermost first.
    """

    collection: str
    path: tuple[str, ...]
    size: int
    index: tuple[int, ...] = ()


@dataclass(frozen=True)
class FunctionCall:
    """A call of a function; `name` is "" if it has none. `number` distinguishes the calls, 0 if that is unknown.

    `is_layer`: a function of the zoo that is one layer by its private mark.
    """

    name: str
    number: int = 0
    is_layer: bool = False


Frames = tuple[int | FunctionCall, ...]  # outermost first; an int is an index into `Graph.calls`


@dataclass(frozen=True)
class Operation:
    """One primitive operation of the network that depends on its input.

    `frames` are the module calls and functions around it. `macs` is None where the cost is unknown.
    `kernel_positions` are the axes along which a kernel is applied, the batch first. `equation` is for
    `equations.xla_flops`.
    """

    name: str
    inputs: tuple[int, ...]
    index_maps: tuple[IndexMap, ...]
    output: int
    shape: tuple[int, ...]
    itemsize: int
    frames: Frames
    variables: frozenset[Variable]
    window: WindowGeometry | None = None
    macs: int | None = 0
    kernel_positions: tuple[int, ...] = ()
    equation: object = None

    @property
    def calls(self) -> tuple[int, ...]:
        """The module calls around it, outermost first."""
        return tuple(frame for frame in self.frames if isinstance(frame, int))

    @property
    def module_depth(self) -> int:
        """How many frames lead to the innermost module call; the frames after it are functions called there."""
        return max((i + 1 for i, frame in enumerate(self.frames) if isinstance(frame, int)), default=0)


@dataclass(frozen=True)
class Graph:
    """All operations in the order in which they run. Value 0 is the network's input.

    `outputs` are the values that the network returns, without updated state, and those of branches of `cond`.
    `is_first_call`: these are the operations of `init`, as the network refuses another call with the same input.
    """

    operations: tuple[Operation, ...]
    calls: tuple[ModuleCall, ...]
    variables: tuple[Variable, ...]
    input_shape: tuple[int, ...]
    outputs: frozenset[int] = frozenset()
    is_first_call: bool = False
