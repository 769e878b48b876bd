"""Which operations make up one layer: groups of operations, each of which is a row of the table."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from zoo.counting.graph import AxisMap, AxisTable, Frames, FunctionCall, Graph, ModuleCall, Operation
from zoo.counting.primitives import PATCHES

PRODUCTS = ("conv_general_dilated", "dot_general")
ARITHMETIC = ("add", "sub", "mul", "div")
# They return their input, possibly in another form; they are no layer by themselves.
PASS_THROUGH = frozenset(
    [
        "broadcast_in_dim",
        "convert_element_type",
        "copy",
        "optimization_barrier",
        "scan_slice",
        "squeeze",
        "stop_gradient",
    ]
)
# Collections that a summary counts.
COLLECTIONS = ("params", "batch_stats")
# Names of pools, those of `zoo.layers` among them.
POOL_FUNCTIONS = frozenset(["max_pool", "avg_pool", "global_avg_pool", "adaptive_avg_pool"])


@dataclass
class LayerGroup:
    """The operations of one layer, in order. `name` is that of its function or Flax layer, "" if there is neither.

    `anchor`: it began with a convolution, product, pool, reduction or concatenation. `inputs` are the groups that it
    reads.
    """

    name: str
    frames: Frames
    anchor: bool
    operations: list[Operation] = field(default_factory=list)
    inputs: list["LayerGroup"] = field(default_factory=list)

    @property
    def products(self) -> list[Operation]:
        """Its convolutions and matrix products; none for a pool of the zoo, whatever it is computed with."""
        return [op for op in self.operations if is_product(op)]

    @property
    def is_hidden(self) -> bool:
        """Whether it gets no row."""
        return not self.name and all(op.name in PASS_THROUGH for op in self.operations)


def group_layers(graph: Graph) -> list[LayerGroup]:
    """The layers of a graph, in the order of their last operations, but each after those that it reads.

    What only updates state or is only stored, and has no parameters and no cost, is no layer.
    """
    groups: list[LayerGroup] = []
    by_frames: dict[Frames, LayerGroup] = {}
    group_of: dict[int, LayerGroup] = {}
    blocks = _blocks(graph.operations)
    parents = {op.frames[:depth] for op in graph.operations for depth in range(1, op.module_depth)}
    for op in graph.operations:
        inputs = _distinct([group_of[value] for value in op.inputs if value in group_of])
        frames, name = _row_frames(op, graph.calls, blocks)
        is_leaf = op.frames[: op.module_depth] not in parents
        group = by_frames.get(frames) if name else _group_to_extend(op, inputs, is_leaf)
        if group is None or (name and _is_new_call(op, group, groups[-1], frames)):
            group = LayerGroup(name, frames, anchor=_is_anchor(op))
            groups.append(group)
            by_frames[frames] = group
        group.operations.append(op)
        group.inputs += [other for other in inputs if other is not group]
        group_of[op.output] = group
    last = {id(group): i for i, group in enumerate(group_of.values())}
    counted = _counted_values(graph)
    ordered = _inputs_first(sorted(groups, key=lambda group: last[id(group)]))
    return [group for group in ordered if not group.is_hidden and any(op.output in counted for op in group.operations)]


def _inputs_first(groups: Sequence[LayerGroup]) -> list[LayerGroup]:
    """The groups in their order, but before each one its inputs: a group may read a part of one that ends later.

    Groups that read each other, as those of a recurrent network, stay in their order.
    """
    placed: list[LayerGroup] = []
    seen: set[int] = set()

    def place(group: LayerGroup) -> None:
        if id(group) in seen:
            return
        seen.add(id(group))
        for before in group.inputs:
            if id(before) not in seen and not _reads(before, group):
                place(before)
        placed.append(group)

    for group in groups:
        place(group)
    return placed


def _reads(group: LayerGroup, other: LayerGroup) -> bool:
    """Whether the group reads the other one, itself or through others."""
    seen: set[int] = set()
    waiting = [group]
    while waiting:
        for before in waiting.pop().inputs:
            if before is other:
                return True
            if id(before) not in seen:
                seen.add(id(before))
                waiting.append(before)
    return False


def _counted_values(graph: Graph) -> set[int]:
    """The values that the network's output or a number of the summary depends on."""
    counted = set(graph.outputs)
    for op in reversed(graph.operations):
        has_numbers = op.macs != 0 or any(variable.collection in COLLECTIONS for variable in op.variables)
        if op.output in counted or has_numbers or not graph.outputs:
            counted.update(op.inputs, [op.output])
    return counted


def _blocks(operations: Sequence[Operation]) -> set[Frames]:
    """Frames of functions that contain whole layers (module calls, convolutions, products) and so are no layer."""
    blocks = set()
    for op in operations:
        ends = len(op.frames) if is_product(op) else op.module_depth
        blocks |= {op.frames[:end] for end in range(1, ends + 1)}
    return blocks


def is_product(op: Operation) -> bool:
    """Whether it is a convolution or a matrix product, and not in a function of the zoo that is a layer by its mark."""
    if op.name not in PRODUCTS:
        return False
    return not any(isinstance(frame, FunctionCall) and frame.is_layer for frame in op.frames)


def _row_frames(op: Operation, calls: Sequence[ModuleCall], blocks: set[Frames]) -> tuple[Frames, str]:
    """The frames of the layer that an operation is part of, and its name: of a Flax layer, a function, or ""."""
    here = op.frames[: op.module_depth]
    module_call = here[-1] if here else None
    if isinstance(module_call, int) and calls[module_call].is_flax_layer:
        return here, snake_case(calls[module_call].class_name)
    for end in range(op.module_depth + 1, len(op.frames) + 1):
        frame = op.frames[end - 1]
        if isinstance(frame, FunctionCall) and frame.name and op.frames[:end] not in blocks:
            return op.frames[:end], frame.name
    return here, ""


def _is_new_call(op: Operation, group: LayerGroup, latest: LayerGroup, frames: Frames) -> bool:
    """Whether a function that is known by its name alone is called again, so that the operation is of a new layer.

    It is if another layer came between, or if the group has a window along the same axis already. Windows along
    different axes are one pool, computed by rows and then by columns.
    """
    if not isinstance(frames[-1], FunctionCall) or frames[-1].number:
        return False
    axes = _window_axes(op)
    return group is not latest or any(axes & _window_axes(other) for other in group.operations)


def _window_axes(op: Operation) -> set[int]:
    if op.window is None:
        return set()
    return {axis for axis, part in enumerate(op.index_maps[0].axes) if _is_window(part)}


def _is_window(part: AxisMap | AxisTable | None) -> bool:
    return not isinstance(part, AxisMap) or part != AxisMap(part.axis, part.first)


def _is_anchor(op: Operation) -> bool:
    """Whether an operation begins a row: one with a cost, known or not, a pool, a reduction or a concatenation."""
    reduces = op.name.startswith("reduce_") and op.name != "reduce_precision"
    return op.macs is None or reduces or op.name in (*PRODUCTS, PATCHES, "concatenate", "argmax", "argmin")


def _group_to_extend(op: Operation, inputs: list[LayerGroup], is_leaf: bool) -> LayerGroup | None:
    """The layer that an operation outside of functions and Flax layers belongs to; None if it begins a layer.

    `is_leaf`: its module calls no other module.
    """
    here = [g for g in inputs if g.frames[: len(op.frames)] == op.frames[: op.module_depth] or g.frames == op.frames]
    if _is_anchor(op) or not here:
        return None
    if len(inputs) > 1:
        return next((g for g in here if not g.anchor and not g.name and _has_inputs(g, inputs)), None)
    (before,) = inputs
    if op.name in PASS_THROUGH or not (before.anchor or before.name):
        return before
    belongs = (op.variables and before.products) or (is_leaf and (before.anchor or before.name in POOL_FUNCTIONS))
    averages = op.name in ("div", "mul") and before.operations[-1].name in ("reduce_window_sum", "reduce_sum")
    return before if op.name in ARITHMETIC and (belongs or averages) else None


def _has_inputs(group: LayerGroup, inputs: list[LayerGroup]) -> bool:
    return all(other is group or any(other is known for known in group.inputs) for other in inputs)


def _distinct(groups: Sequence[LayerGroup]) -> list[LayerGroup]:
    return list({id(group): group for group in groups}.values())


def operation_name(group: LayerGroup) -> str:
    """The name of a layer's operation: `conv`, `dense`, `max_pool`, `add`, or that of its function or Flax layer."""
    products = group.products
    # A layer of Flax that extracts patches and then multiplies them is neither convolution nor dense layer.
    if len(products) == 1 and not (group.name and any(op.name == PATCHES for op in group.operations)):
        return _product_name(products[0])
    if group.name:
        return group.name
    names = [op.name for op in group.operations if op.name not in PASS_THROUGH]
    first = names[0]
    if first.startswith("reduce_window"):
        averaged = first == "reduce_window_sum" and len(names) > 1
        return "avg_pool" if averaged else first.removeprefix("reduce_window_") + "_pool"
    if first.startswith("reduce_"):
        return "mean" if first == "reduce_sum" and "div" in names[1:] else first.removeprefix("reduce_")
    distinct = list(dict.fromkeys(names))
    shown = [name for name in distinct if name not in ARITHMETIC] or distinct
    return ", ".join(shown) if len(shown) <= 3 else "elementwise"


def _product_name(op: Operation) -> str:
    if op.name == "conv_general_dilated":
        return "transposed_conv" if op.window and op.window.transposed else "conv"
    return "dense" if op.variables else "matmul"


def snake_case(name: str) -> str:
    """BatchNorm to batch_norm."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
