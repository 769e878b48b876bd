"""The rows of a network's table, from its groups of operations."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import groupby

from zoo.counting.graph import Graph, Operation, Weight, Window
from zoo.counting.layer_grouping import Group, label, snake
from zoo.counting.receptive_fields import Field, Fields, aligned, image_fields, operand_fields, propagate
from zoo.counting.records import Misalignment, Number, Row
from zoo.counting.trace import xla_flops


def rows(graph: Graph, groups: Sequence[Group], fields: Mapping[int, Fields], xla: bool = False) -> list[Row]:
    """A row a group, parameters in the first that uses them."""
    seen: set[Weight] = set()
    made = []
    for group in groups:
        made.append(_row(graph, group, fields, frozenset(seen), xla))
        seen |= _weights(group)
    return made


def fold(graph: Graph, groups: Sequence[Group], made: Sequence[Row], depth: int) -> list[Row]:
    """The rows with all that lies deeper than `depth` levels of modules added up, a row a module call."""
    folded = []
    for key, members in groupby(zip(groups, made, strict=True), lambda member: _level(graph, member[0], depth)):
        inside = [row for _, row in members]
        folded += inside if key is None else [_sum(graph, key, inside, depth)]
    return folded


def misalignments(graph: Graph, groups: Sequence[Group], fields: Mapping[int, Fields]) -> list[Misalignment]:
    """Where branches meet out of step. Inside one layer, as between the taps of a pool, that is no matter."""
    owner = {op.output: group for group in groups for op in group.operations}
    found = []
    for group in groups:
        for op in group.operations:
            joined = operand_fields(op, fields)
            outside = {id(owner.get(value)) for value in op.inputs} - {id(group)}
            if len(outside) > 1 and not all(aligned(column) for column in zip(*joined, strict=True)):
                found.append(
                    Misalignment(
                        path=_path(graph, group),
                        operation=label(group),
                        strides=tuple(tuple(plain(field.stride) for field in branch) for branch in joined),
                        centres=tuple(tuple(plain(field.centre) for field in branch) for branch in joined),
                    )
                )
    return found


def uncosted(graph: Graph, groups: Sequence[Group]) -> list[str]:
    """The operations whose multiply-adds are not known, with their modules' paths."""
    return [
        f"{_path(graph, group)}: {op.name}" if _path(graph, group) else op.name
        for group in groups
        for op in group.operations
        if op.macs is None
    ]


def plain(number: Number) -> Number:
    """A whole fraction as an int."""
    return int(number) if Fraction(number).denominator == 1 else number


def _row(graph: Graph, group: Group, fields: Mapping[int, Fields], seen: frozenset[Weight], xla: bool) -> Row:
    last, window = group.operations[-1], _window(graph, group)
    used = _weights(group)
    new = used - seen
    kernels = {weight for op in group.products for weight in op.weights}
    macs = [op.macs for op in group.operations if op in group.products or op.macs is None]
    seen_by_last = fields.get(last.output, ())
    sides = [_side(field, n) for field, n in zip(seen_by_last, graph.input_shape[1:-1], strict=False)]
    return Row(
        path=_path(graph, group),
        operation=label(group),
        kernel=window and window.kernel,
        stride=window and tuple(max(pair) for pair in zip(window.stride, window.input_dilation, strict=True)),
        padding=window and window.padding,
        dilation=window and window.dilation,
        groups=window and window.groups,
        output_shape=last.shape,
        parameters=_size(new, "params"),
        weights=_size(new & kernels, "params"),
        batch_stats=_size(new, "batch_stats"),
        reused_parameters=_size(used & seen, "params"),
        parameters_without_sharing=_without_sharing(group, fields),
        macs=None if None in macs else sum(macs),
        activation_bytes=math.prod(last.shape) * last.itemsize,
        receptive_field=tuple(size for size, _, _ in sides),
        effective_stride=tuple(stride for _, stride, _ in sides),
        offset=tuple(offset for _, _, offset in sides),
        xla_flops=sum(xla_flops(op) or 0.0 for op in group.operations) if xla else None,
    )


def _weights(group: Group) -> frozenset[Weight]:
    return frozenset().union(*(op.weights for op in group.operations))


def _size(weights: Iterable[Weight], collection: str) -> int:
    return sum(weight.size for weight in weights if weight.collection == collection)


def _without_sharing(group: Group, fields: Mapping[int, Fields]) -> int:
    """A copy of each parameter for every place that it is used at: a kernel's applications, a bias's outputs."""
    total, counted = 0, set()
    for op in group.operations:
        own = {weight for weight in op.weights - counted if weight.collection == "params"}
        places = math.prod(field.count for field in fields.get(op.output, ()) if field.axis is not None)
        total += sum(weight.size for weight in own) * (op.applications if op in group.products else places)
        counted |= own
    return total


def _window(graph: Graph, group: Group) -> Window | None:
    """The geometry of a layer with one window, and of the marked pools whatever they are computed with."""
    windows = [op.window for op in group.operations if op.window is not None]
    if len(windows) == 1:
        return windows[0]
    return _measured(graph, group.operations) if group.name in ("max_pool", "avg_pool") else None


def _measured(graph: Graph, operations: Sequence[Operation]) -> Window | None:
    """A pool's geometry from what its places see: size, stride and start are kernel, stride and padding."""
    made, last = {op.output for op in operations}, operations[-1]
    outside = {value for op in operations for value in op.inputs} - made
    if len(outside) != 1:
        return None
    (value,) = outside
    image = next((op.shape for op in graph.operations if op.output == value), graph.input_shape)
    seen = propagate(operations, {value: image_fields(image)})[last.output]
    if any(field.axis is None for field in seen):
        return None
    sizes = zip(seen, image[1:-1], last.shape[1:-1], strict=True)
    ones = (1,) * len(seen)
    return Window(
        kernel=tuple(int(field.size) for field in seen),
        stride=tuple(int(field.stride) for field in seen),
        padding=tuple((int(-f.start), max(0, int(f.start + (m - 1) * f.stride + f.size - n))) for f, n, m in sizes),
        dilation=ones,
        input_dilation=ones,
    )


def _side(field: Field, extent: int) -> tuple[Number | None, Number | None, Number | None]:
    """(size, stride, offset) of a field along one axis of the image; None for all of the image, or no places."""
    if field.axis is not None:
        return None if field.whole else plain(field.size), plain(field.stride), plain(field.centre)
    start, end = max(field.start, 0), min(field.start + field.size, extent)
    everything = field.whole or (start <= 0 and end >= extent)
    return None if everything else plain(end - start), None, None


def _path(graph: Graph, group: Group) -> str:
    call = group.operations[-1].calls[-1:]
    return "/".join(graph.calls[call[0]].path) if call else ""


def _level(graph: Graph, group: Group, depth: int) -> tuple | None:
    """The module call at `depth` that a group lies in, as its frames; None for one that lies higher."""
    frames = group.operations[-1].frames
    for end, frame in enumerate(frames, start=1):
        if isinstance(frame, int) and len(graph.calls[frame].path) >= depth:
            return frames[:end]
    return None


def _sum(graph: Graph, key: tuple, inside: Sequence[Row], depth: int) -> Row:
    """One row for a module call: sums, and the geometry where there is only one."""
    call = graph.calls[key[-1]]
    short = len(inside) <= 3
    with_kernel = [row for row in inside if row.kernel] if short else []
    geometry = with_kernel[0] if len(with_kernel) == 1 else None

    def total(name: str) -> int | None:
        values = [getattr(row, name) for row in inside]
        return None if None in values else sum(values)

    sums = ("parameters", "weights", "batch_stats", "reused_parameters", "parameters_without_sharing", "macs")
    return replace(
        inside[-1],
        path="/".join(call.path[:depth]),
        operation=" + ".join(row.operation for row in inside) if short else snake(call.kind),
        **{name: getattr(geometry, name, None) for name in ("kernel", "stride", "padding", "dilation", "groups")},
        **{name: total(name) for name in (*sums, "activation_bytes", "xla_flops")},
    )
