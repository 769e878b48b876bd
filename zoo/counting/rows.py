"""The rows of a network's table, one for each layer."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from zoo.counting.equations import xla_flops
from zoo.counting.field_numbers import simple_number, summarize_axis
from zoo.counting.graph import Frames, Graph, ModuleCall, Operation, Variable, WindowGeometry
from zoo.counting.layer_grouping import LayerGroup, is_product, operation_name, snake_case
from zoo.counting.primitives import ELEMENTWISE
from zoo.counting.receptive_fields import (
    ReceptiveField,
    are_aligned,
    image_field,
    operand_fields,
    propagate,
)
from zoo.counting.records import Misalignment, Row


def layer_rows(
    graph: Graph, groups: Sequence[LayerGroup], fields: Mapping[int, ReceptiveField], *, xla: bool = False
) -> list[Row]:
    """One row per group. Shared parameters count in the first row that uses them; `xla` asks XLA for its costs."""
    counted: set[Variable] = set()
    results = _results(graph, groups)
    rows = []
    for group, result in zip(groups, results, strict=True):
        rows.append(_row(graph, group, result, fields, counted=frozenset(counted), xla=xla))
        counted |= _variables(group)
    return rows


def fold_rows(graph: Graph, groups: Sequence[LayerGroup], rows: Sequence[Row], depth: int) -> list[Row]:
    """One row per module call at `depth` levels of modules, the sum of the rows inside; higher rows stay."""
    folded = []
    for frames, members in groupby(zip(groups, rows, strict=True), lambda member: _call_at(graph, member[0], depth)):
        inside = [row for _, row in members]
        call = frames[-1] if frames else None
        folded += [_folded_row(graph.calls[call], inside, depth)] if isinstance(call, int) else inside
    return folded


def misalignments(
    graph: Graph, groups: Sequence[LayerGroup], fields: Mapping[int, ReceptiveField]
) -> list[Misalignment]:
    """Where layers join branches that are not aligned. Inside one layer, as between the taps of a pool, none are."""
    group_of = {op.output: group for group in groups for op in group.operations}
    found = []
    for group in groups:
        for op in group.operations:
            branches = operand_fields(op, fields)
            sources = {id(group_of.get(value)) for value in op.inputs} - {id(group)}
            if len(sources) > 1 and not all(are_aligned(column) for column in zip(*branches, strict=True)):
                found.append(
                    Misalignment(
                        path=_path(graph, group),
                        operation=operation_name(group),
                        strides=tuple(tuple(simple_number(field.stride) for field in branch) for branch in branches),
                        centres=tuple(tuple(simple_number(field.centre) for field in branch) for branch in branches),
                    )
                )
    return found


def uncosted(graph: Graph, groups: Sequence[LayerGroup]) -> list[str]:
    """The operations whose multiply-adds are unknown, as "path of the module: name"."""
    return [
        f"{_path(graph, group)}: {op.name}" if _path(graph, group) else op.name
        for group in groups
        for op in group.operations
        if op.macs is None
    ]


def _row(
    graph: Graph,
    group: LayerGroup,
    result: Operation,
    fields: Mapping[int, ReceptiveField],
    *,
    counted: frozenset[Variable],
    xla: bool,
) -> Row:
    window = _window(graph, group)
    used = _variables(group)
    new = used - counted
    kernels = {variable for op in group.products for variable in op.variables}
    known_macs = [op.macs for op in group.products if op.macs is not None]
    axes = [summarize_axis(field, len(result.shape)) for field in fields.get(result.output, ())]
    return Row(
        path=_path(graph, group),
        operation=operation_name(group),
        kernel=window.kernel if window else None,
        stride=tuple(map(max, window.stride, window.input_dilation)) if window else None,
        padding=window.padding if window else None,
        dilation=window.dilation if window else None,
        groups=window.groups if window else None,
        output_shape=result.shape,
        parameters=_size(new, "params"),
        weights=_size(new & kernels, "params"),
        batch_stats=_size(new, "batch_stats"),
        reused_parameters=_size(used & counted, "params"),
        parameters_without_sharing=_without_sharing(group, result, graph.input_shape[0] if graph.input_shape else 1),
        macs=None if any(op.macs is None for op in group.operations) else sum(known_macs),
        activation_bytes=math.prod(result.shape) * result.itemsize,
        receptive_field=tuple(axis.size for axis in axes),
        receptive_field_exact=tuple(axis.exact for axis in axes),
        effective_stride=tuple(axis.stride for axis in axes),
        offset=tuple(axis.offset for axis in axes),
        xla_flops=sum(xla_flops(op) or 0.0 for op in group.operations) if xla else None,
    )


def _results(graph: Graph, groups: Sequence[LayerGroup]) -> list[Operation]:
    """The operation of each layer whose output other layers read, or the network returns; else its last one.

    What comes after it updates the layer's state.
    """
    group_of = {op.output: index for index, group in enumerate(groups) for op in group.operations}
    read = graph.outputs | {
        value for op in graph.operations for value in op.inputs if group_of.get(value) != group_of.get(op.output)
    }
    return [
        next((op for op in reversed(group.operations) if op.output in read), group.operations[-1]) for group in groups
    ]


def _variables(group: LayerGroup) -> frozenset[Variable]:
    return frozenset().union(*(op.variables for op in group.operations))


def _size(variables: Iterable[Variable], collection: str) -> int:
    return sum(variable.size for variable in variables if variable.collection == collection)


def _without_sharing(group: LayerGroup, result: Operation, batch: int) -> int:
    """A copy of each parameter for every use: the positions of a kernel, the output positions of a bias."""
    total = 0
    counted: set[Variable] = set()
    for op in group.operations:
        new = {variable for variable in op.variables - counted if variable.collection == "params"}
        total += sum(variable.size * _uses(op, variable.size, result, batch) for variable in new)
        counted |= new
    return total


def _uses(op: Operation, size: int, result: Operation, batch: int) -> int:
    """How many times an operation uses a parameter of a size for one example of the batch."""
    if is_product(op):
        return _per_example(op.kernel_positions, batch)
    if op.name == "gather":
        return _per_example(op.shape[:-1], batch)
    if op.name not in ELEMENTWISE:
        return 1
    # Each element of the layer's output has one; a single value is for all channels of a position.
    elements = _per_example(result.shape, batch)
    channels = size if size > 1 else result.shape[-1] if result.shape else 1
    return max(1, elements // max(1, channels))


def _per_example(sizes: Sequence[int], batch: int) -> int:
    """The number of positions for one example; the batch is the first axis, part of it, or is not there at all."""
    has_batch = batch > 0 and bool(sizes) and (sizes[0] % batch == 0 or batch in sizes)
    return math.prod(sizes) // batch if has_batch else math.prod(sizes)


def _window(graph: Graph, group: LayerGroup) -> WindowGeometry | None:
    """The geometry of a layer with one window, and of a pool of `zoo.layers`, whatever it is computed with."""
    windows = [op.window for op in group.operations if op.window is not None]
    if len(windows) == 1:
        return windows[0]
    return _pool_geometry(graph, group.operations) if group.name in ("max_pool", "avg_pool") else None


def _pool_geometry(graph: Graph, operations: Sequence[Operation]) -> WindowGeometry | None:
    """A pool's geometry from its receptive fields: their size, stride and start are kernel, stride and padding."""
    last = operations[-1]
    inputs = {value for op in operations for value in op.inputs} - {op.output for op in operations}
    if len(inputs) != 1:
        return None
    (value,) = inputs
    image = next((op.shape for op in graph.operations if op.output == value), graph.input_shape)
    fields = propagate(operations, {value: image_field(image)})[last.output]
    windows = [
        (field.low, field.high, field.stride)
        for field in fields
        if isinstance(field.low, int) and isinstance(field.high, int) and field.axis is not None
    ]
    if len(windows) < len(fields):
        return None
    sizes = zip(windows, image[1:-1], last.shape[1:-1], strict=True)
    ones = (1,) * len(fields)
    return WindowGeometry(
        kernel=tuple(high - low + 1 for low, high, _ in windows),
        stride=tuple(stride for _, _, stride in windows),
        padding=tuple((-low, max(0, high + 1 + (m - 1) * stride - n)) for (low, high, stride), n, m in sizes),
        dilation=ones,
        input_dilation=ones,
    )


def _path(graph: Graph, group: LayerGroup) -> str:
    call = group.operations[-1].calls[-1:]
    return "/".join(graph.calls[call[0]].path) if call else ""


def _call_at(graph: Graph, group: LayerGroup, depth: int) -> Frames | None:
    """The frames of the module call at `depth` that a group belongs to; None for a group above that depth."""
    frames = group.operations[-1].frames
    for end, frame in enumerate(frames, start=1):
        if isinstance(frame, int) and len(graph.calls[frame].path) >= depth:
            return frames[:end]
    return None


def _folded_row(call: ModuleCall, inside: Sequence[Row], depth: int) -> Row:
    """One row for a module call: sums, and the geometry if only one row has any."""
    short = len(inside) <= 3
    with_kernel = [row for row in inside if row.kernel] if short else []
    geometry = with_kernel[0] if len(with_kernel) == 1 else None

    def total(name: str) -> int | None:
        values = [getattr(row, name) for row in inside]
        return None if None in values else sum(values)

    sums = ("parameters", "weights", "batch_stats", "reused_parameters", "parameters_without_sharing", "macs")
    columns: dict[str, Any] = {
        **{name: getattr(geometry, name, None) for name in ("kernel", "stride", "padding", "dilation", "groups")},
        **{name: total(name) for name in (*sums, "activation_bytes", "xla_flops")},
    }
    operation = " + ".join(row.operation for row in inside) if short else snake_case(call.class_name)
    return replace(inside[-1], path="/".join(call.path[:depth]), operation=operation, **columns)
