"""Which operations make up one layer: the grouping of a graph's operations into the rows of a table."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from zoo.counting.graph import Call, Frames, Function, Graph, Operation

PRODUCTS = ("conv_general_dilated", "dot_general")
ARITHMETIC = ("add", "sub", "mul", "div")
# They only hand on what they get; alone they are no layer.
SILENT = frozenset(
    ["broadcast_in_dim", "convert_element_type", "copy", "optimization_barrier", "squeeze", "stop_gradient"]
)
# Functions of zoo.layers: a row each, and what they multiply is no convolution's or dense layer's.
POOLS = frozenset(["max_pool", "avg_pool", "global_avg_pool", "adaptive_avg_pool"])
NAMED = POOLS | {"local_response_norm"}


@dataclass
class Group:
    """The operations of one layer in their order. `name` is that of its function or Flax layer, "" without either.

    `anchor` where it began with a convolution, product, pool, reduction or concatenation; `sources` are the groups
    that it reads from.
    """

    name: str
    frames: Frames
    anchor: bool
    operations: list[Operation] = field(default_factory=list)
    sources: list["Group"] = field(default_factory=list)

    @property
    def products(self) -> list[Operation]:
        """Its convolutions and matrix products; none for a pool, however it is computed."""
        return [] if self.name in NAMED else [op for op in self.operations if op.name in PRODUCTS]

    @property
    def silent(self) -> bool:
        """Whether there is nothing to show."""
        return not self.name and all(op.name in SILENT for op in self.operations)


def group(graph: Graph) -> list[Group]:
    """The layers of a graph, in the order of their last operations."""
    groups: list[Group] = []
    by_frames: dict[Frames, Group] = {}
    owner: dict[int, Group] = {}
    blocks = _blocks(graph.operations)
    parents = {op.frames[: op.own - 1 - i] for op in graph.operations for i in range(op.own - 1)}
    for op in graph.operations:
        sources = _distinct([owner[value] for value in op.inputs if value in owner])
        frames, name = _unit(op, graph.calls, blocks)
        found = by_frames.get(frames) if name else _continued(op, sources, leaf=op.frames[: op.own] not in parents)
        if found is None or (name and _begins_anew(op, found, groups[-1], frames)):
            found = Group(name, frames, anchor=_is_anchor(op))
            groups.append(found)
            by_frames[frames] = found
        found.operations.append(op)
        found.sources += [source for source in sources if source is not found]
        owner[op.output] = found
    last = {id(found): i for i, found in enumerate(owner.values())}
    return sorted((g for g in groups if not g.silent), key=lambda g: last[id(g)])


def _blocks(operations: Sequence[Operation]) -> set[Frames]:
    """Frames of functions that hold whole layers: module calls, convolutions or products. They are looked through."""
    blocks = set()
    for op in operations:
        names = {frame.name for frame in op.frames[op.own :]}
        ends = len(op.frames) if op.name in PRODUCTS and not names & NAMED else op.own
        blocks |= {op.frames[:end] for end in range(1, ends + 1)}
    return blocks


def _unit(op: Operation, calls: Sequence[Call], blocks: set[Frames]) -> tuple[Frames, str]:
    """What an operation is shown as part of, and its name: a layer of Flax's, a function, or "" for neither."""
    here = op.frames[: op.own]
    if here and calls[here[-1]].opaque:
        return here, snake(calls[here[-1]].kind)
    for end in range(op.own + 1, len(op.frames) + 1):
        frame = op.frames[end - 1]
        if isinstance(frame, Function) and frame.name and op.frames[:end] not in blocks:
            return op.frames[:end], frame.name
    return here, ""


def _begins_anew(op: Operation, found: Group, latest: Group, frames: Frames) -> bool:
    """Whether a function marked by name alone is called again: something else ran between, or its window comes twice.

    Windows along different axes are one pool, done rows first and columns then.
    """
    if not isinstance(frames[-1], Function) or frames[-1].number:
        return False
    axes = _window_axes(op)
    return found is not latest or any(axes & _window_axes(other) for other in found.operations)


def _window_axes(op: Operation) -> set[int]:
    if op.window is None:
        return set()
    return {axis for axis, read in enumerate(op.reads[0]) if (read.span, read.stride) != (1, 1)}


def _is_anchor(op: Operation) -> bool:
    """Whether an operation begins a row of its own: those with a cost, known or not, pools, reductions and joins."""
    reduces = op.name.startswith("reduce_") and op.name != "reduce_precision"
    return op.macs is None or reduces or op.name in (*PRODUCTS, "concatenate", "argmax", "argmin")


def _continued(op: Operation, sources: list[Group], leaf: bool) -> Group | None:
    """The layer that an operation outside of functions and Flax's layers goes on with; None where it begins one."""
    here = [g for g in sources if g.frames[: len(op.frames)] == op.frames[: op.own] or g.frames == op.frames]
    if _is_anchor(op) or not here:
        return None
    if len(sources) > 1:
        return next((g for g in here if not g.anchor and not g.name and _fed_by(g, sources)), None)
    (source,) = sources
    if op.name in SILENT or not (source.anchor or source.name):
        return source
    belongs = (op.weights and source.products) or (leaf and (source.anchor or source.name in POOLS))
    averages = op.name in ("div", "mul") and source.operations[-1].name in ("reduce_window_sum", "reduce_sum")
    return source if op.name in ARITHMETIC and (belongs or averages) else None


def _fed_by(found: Group, sources: list[Group]) -> bool:
    return all(source is found or any(source is known for known in found.sources) for source in sources)


def _distinct(groups: Sequence[Group]) -> list[Group]:
    return list({id(g): g for g in groups}.values())


def label(found: Group) -> str:
    """What a layer is called in a table: `conv`, `dense`, `max_pool`, `add`, a function's or a Flax layer's name."""
    products = found.products
    if len(products) == 1:
        return _product_label(products[0])
    if found.name:
        return found.name
    names = [op.name for op in found.operations if op.name not in SILENT]
    first = names[0]
    if first.startswith("reduce_window"):
        averaged = first == "reduce_window_sum" and len(names) > 1
        return "avg_pool" if averaged else first.removeprefix("reduce_window_") + "_pool"
    if first.startswith("reduce_"):
        return "mean" if first == "reduce_sum" and "div" in names[1:] else first.removeprefix("reduce_")
    telling = [name for name in dict.fromkeys(names) if name not in ARITHMETIC]
    joined = telling or list(dict.fromkeys(names))
    return ", ".join(joined) if len(joined) <= 3 else "elementwise"


def _product_label(op: Operation) -> str:
    if op.name == "conv_general_dilated":
        return "transposed_conv" if max(op.window.input_dilation, default=1) > 1 else "conv"
    return "dense" if op.weights else "matmul"


def snake(name: str) -> str:
    """BatchNorm to batch_norm."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
