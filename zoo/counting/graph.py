"""A traced network as plain records: operations, what they read, and the module calls that they belong to."""

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Read:
    """What an output position o reads along one axis of an input: first + o * stride and the span - 1 places after it.

    `axis` is the output's axis that o runs along; None where every output reads the same places. `folded` means that
    o mixes several axes, as after flattening.
    """

    axis: int | None
    first: Fraction | int = 0
    stride: Fraction | int = 1
    span: int = 1
    folded: bool = False


Reads = tuple[Read, ...]


@dataclass(frozen=True)
class Window:
    """Geometry of a convolution or a pool on its spatial axes; padding as (low, high) pairs."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    input_dilation: tuple[int, ...]
    groups: int = 1


@dataclass(frozen=True)
class Call:
    """One call of a module's method. `opaque` for Flax's own layers, which are shown as one row."""

    path: tuple[str, ...]
    kind: str
    opaque: bool


@dataclass(frozen=True)
class Weight:
    """A leaf of the variables, or its slice `index` where a scan over layers takes one at a time."""

    collection: str
    path: tuple[str, ...]
    size: int
    index: int | None = None


@dataclass(frozen=True)
class Function:
    """A named function, or an unnamed one ("") that was traced on its own; `number` tells its calls apart, or is 0."""

    name: str
    number: int = 0


Frames = tuple[int | Function, ...]


@dataclass(frozen=True)
class Operation:
    """One step of the traced network that depends on its input.

    `frames` are the module calls (indices into `Graph.calls`) and functions around it, outermost first. `macs` is None
    where the cost is not known. `applications` counts how often a kernel is applied to one image. `compute` is what
    `trace.xla_flops` asks XLA about.
    """

    name: str
    inputs: tuple[int, ...]
    reads: tuple[Reads, ...]
    output: int
    shape: tuple[int, ...]
    itemsize: int
    frames: Frames
    weights: frozenset[Weight]
    window: Window | None = None
    macs: int | None = 0
    applications: int = 0
    compute: object = None

    @property
    def calls(self) -> tuple[int, ...]:
        """The module calls around it, outermost first."""
        return tuple(frame for frame in self.frames if isinstance(frame, int))

    @property
    def own(self) -> int:
        """How many of the frames lead to the innermost module call; those after it are functions called there."""
        return max((i + 1 for i, frame in enumerate(self.frames) if isinstance(frame, int)), default=0)


@dataclass(frozen=True)
class Graph:
    """The operations in the order they run, and everything they refer to. Value 0 is the network's input."""

    operations: tuple[Operation, ...]
    calls: tuple[Call, ...]
    weights: tuple[Weight, ...]
    input_shape: tuple[int, ...]
