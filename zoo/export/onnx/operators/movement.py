"""Primitives that only move values: transpose, broadcast, slice, pad, concatenate, gather with constant indices."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from zoo.export.onnx.graph import GraphBuilder
from zoo.export.onnx.program import Constant, Shape, Step
from zoo.export.onnx.tensors import Tensor, arranged, compact, materialized, plain, with_standard_indices

Operands = Sequence[Tensor | Constant]
END = np.iinfo(np.int64).max


def transpose(graph: GraphBuilder, step: Step, operands: Operands) -> list[Tensor]:
    """Axes in another order: no node."""
    tensor = as_tensor(graph, operands[0])
    permutation = step.params[0]["permutation"]
    return [tensor.renamed({old: new for new, old in enumerate(permutation)}, step.outputs[0].shapes)]


def broadcast_in_dim(graph: GraphBuilder, step: Step, operands: Operands) -> list[Tensor]:
    """Repeated values, and axes of size 1: no node."""
    tensor = as_tensor(graph, operands[0])
    axes: dict[int, int | None] = {}
    for old, new in enumerate(step.params[0]["broadcast_dimensions"]):
        pairs = {(shape[old] == out[new]) for shape, out in zip(tensor.shapes, step.outputs[0].shapes, strict=True)}
        axes[old] = new if pairs == {True} else None
    return [tensor.renamed(axes, step.outputs[0].shapes)]


def as_tensor(graph: GraphBuilder, operand: Tensor | Constant) -> Tensor:
    """The operand; a constant as a value of the graph."""
    if isinstance(operand, Tensor):
        return operand
    array = compact(graph, operand)
    order = tuple(axis if size > 1 else None for axis, size in enumerate(array.shape))
    return Tensor(graph.constant(array), operand.shapes, order)


def slice_(graph: GraphBuilder, step: Step, operands: Operands) -> list[Tensor]:
    """A part of each axis: one Slice, or a Gather where the positions along an axis have another order."""
    tensor = as_tensor(graph, operands[0])
    strides = graph.same([p["strides"] or (1,) * tensor.rank for p in step.params], "the stride of a slice")
    parts: dict[int, tuple[int, int, int]] = {}
    for axis in range(tensor.rank):
        starts = [params["start_indices"][axis] for params in step.params]
        limits = [params["limit_indices"][axis] for params in step.params]
        sizes = [shape[axis] for shape in tensor.shapes]
        if any(starts) or limits != sizes or strides[axis] != 1:
            if axis not in tensor.axes:
                continue  # Of repeated values, fewer.
            parts[axis] = (_bound(graph, starts, sizes), _bound(graph, limits, sizes, is_end=True), strides[axis])
    return [sliced(graph, tensor, parts, step.outputs[0].shapes)]


def _bound(graph: GraphBuilder, numbers: Sequence[int], sizes: Sequence[int], is_end: bool = False) -> int:
    """A start or an end, from the end of the axis where it moves with its size."""
    if len(set(numbers)) == 1 and not (is_end and list(numbers) == list(sizes)):
        return numbers[0]
    from_end = graph.same([n - size for n, size in zip(numbers, sizes, strict=True)], "the bound of a slice")
    return END if from_end == 0 else from_end


def sliced(
    graph: GraphBuilder, tensor: Tensor, parts: dict[int, tuple[int, int, int]], shapes: Sequence[Shape]
) -> Tensor:
    """The tensor between (start, end) with a stride, for each axis in `parts`, which it has; of these new shapes."""
    index_orders = dict(tensor.index_orders)
    name = tensor.name
    for axis in [axis for axis in parts if axis in tensor.index_orders]:
        start, end, stride = parts.pop(axis)
        wanted = np.arange(len(index_orders[axis]))[slice(start, None if end == END else end, stride)]
        name = graph.gather(name, tensor.position(axis), np.argsort(index_orders.pop(axis))[wanted])
    if parts:
        positions = {tensor.position(axis): axis for axis in parts}
        new = [
            tuple(shape[tensor.order[i]] if i in positions else size for i, size in enumerate(old))  # type: ignore[index]
            for shape, old in zip(shapes, graph.shapes[name], strict=True)
        ]
        columns = [[parts[axis][i] for axis in positions.values()] for i in range(3)]
        inputs = [*map(graph.integers, (columns[0], columns[1], list(positions), columns[2]))]
        name = graph.node("Slice", [name, *inputs], new)
    return Tensor(name, tuple(map(tuple, shapes)), tensor.order, index_orders)


def dynamic_slice(graph: GraphBuilder, step: Step, operands: Operands) -> list[Tensor]:
    """A slice whose start is constant."""
    tensor, *starts = operands
    if not all(isinstance(start, Constant) for start in starts):
        raise graph.refusal("a slice whose start depends on the images has no ONNX form")
    sizes = [params["slice_sizes"] for params in step.params]
    first = [
        [
            min(max(int(start.arrays[trace]), 0), shape[axis] - sizes[trace][axis])  # type: ignore[union-attr]
            for axis, start in enumerate(starts)
        ]
        for trace, shape in enumerate(as_tensor(graph, tensor).shapes)
    ]
    bounds = tuple(
        {
            "start_indices": tuple(begin),
            "limit_indices": tuple(b + n for b, n in zip(begin, size, strict=True)),
            "strides": None,
        }
        for begin, size in zip(first, sizes, strict=True)
    )
    return slice_(graph, replace(step, params=bounds), [tensor])


def split(graph: GraphBuilder, step: Step, operands: Operands) -> list[Tensor]:
    """Parts along an axis, one after the other."""
    tensor = as_tensor(graph, operands[0])
    axis, sizes = graph.settings(step, "axis", "sizes").values()
    if axis not in tensor.axes:
        return [replace(tensor, shapes=out.shapes) for out in step.outputs]
    starts = np.cumsum([0, *sizes])
    return [
        sliced(graph, tensor, {axis: (int(start), int(start) + size, 1)}, out.shapes)
        for start, size, out in zip(starts[:-1], sizes, step.outputs, strict=True)
    ]


def reverse(graph: GraphBuilder, step: Step, operands: Operands) -> list[Tensor]:
    """Axes backwards."""
    tensor = with_standard_indices(graph, as_tensor(graph, operands[0]), step.params[0]["dimensions"])
    parts = {axis: (-1, np.iinfo(np.int64).min, -1) for axis in step.params[0]["dimensions"] if axis in tensor.axes}
    return [sliced(graph, tensor, parts, tensor.shapes)]


def pad(graph: GraphBuilder, step: Step, operands: Operands) -> list[Tensor]:
    """A constant around an array; less than nothing is a slice."""
    tensor, fill = as_tensor(graph, operands[0]), operands[1]
    config = graph.same([params["padding_config"] for params in step.params], "padding")
    if any(interior for *_, interior in config):
        raise graph.refusal("padding between values has no ONNX form")
    if not isinstance(fill, Constant):
        raise graph.refusal("padding with a value that depends on the images has no ONNX form")
    shapes = step.outputs[0].shapes
    padded = [axis for axis, (low, high, _) in enumerate(config) if low or high]
    if not set(padded) <= set(tensor.axes):
        tensor = materialized(graph, tensor, range(tensor.rank))
    tensor = with_standard_indices(graph, tensor, padded)
    cut = {
        axis: (max(0, -low), min(0, high) or END, 1) for axis, (low, high, _) in enumerate(config) if min(low, high) < 0
    }
    if cut:
        smaller = [
            tuple(n + min(0, low) + min(0, high) for n, (low, high, _) in zip(shape, config, strict=True))
            for shape in tensor.shapes
        ]
        tensor = sliced(graph, tensor, cut, smaller)
    lows = [0 if axis is None else max(0, config[axis][0]) for axis in tensor.order]
    highs = [0 if axis is None else max(0, config[axis][1]) for axis in tensor.order]
    if not any((*lows, *highs)):
        return [Tensor(tensor.name, shapes, tensor.order, tensor.index_orders)]
    new = [
        tuple(n + low + high for n, low, high in zip(shape, lows, highs, strict=True))
        for shape in graph.shapes[tensor.name]
    ]
    value = graph.constant(compact(graph, fill))
    name = graph.node(
        "Pad", [tensor.name, graph.integers([*lows, *highs]), value], new, attributes={"mode": "constant"}
    )
    return [Tensor(name, shapes, tensor.order, tensor.index_orders)]


def concatenate(graph: GraphBuilder, step: Step, operands: Operands) -> list[Tensor]:
    """Arrays one after the other along an axis."""
    axis = step.params[0]["dimension"]
    filled = [operand for operand in operands if any(shape[axis] for shape in operand.shapes)]
    return [_joined(graph, [as_tensor(graph, operand) for operand in filled], axis, step.outputs[0].shapes)]


def _joined(graph: GraphBuilder, tensors: Sequence[Tensor], axis: int, shapes: Sequence[Shape]) -> Tensor:
    if len(tensors) == 1:
        return tensors[0]
    longest = max(tensors, key=lambda tensor: len(tensor.axes))
    needed = {axis, *(one for tensor in tensors for one in tensor.axes)}
    order = (*sorted(needed - set(longest.axes)), *longest.order)
    axes = [one for one in order if one is not None]
    parts = []
    for tensor in tensors:
        part = with_standard_indices(graph, tensor, [one for one in tensor.index_orders if one != axis])
        if set(part.axes) != set(axes):
            part = materialized(graph, part, axes)
        parts.append(arranged(graph, part, order))
    sizes = [part.shapes[0][axis] for part in parts]
    index_orders = {}
    if any(axis in part.index_orders for part in parts):
        starts = np.cumsum([0, *sizes[:-1]])
        index_orders[axis] = np.concatenate(
            [
                part.index_orders.get(axis, np.arange(n)) + start
                for part, n, start in zip(parts, sizes, starts, strict=True)
            ]
        )
    position = order.index(axis)
    physical = [
        tuple(shape[axis] if i == position else size for i, size in enumerate(first))
        for shape, first in zip(shapes, graph.shapes[parts[0].name], strict=True)
    ]
    name = graph.node("Concat", [part.name for part in parts], physical, attributes={"axis": position})
    return Tensor(name, tuple(map(tuple, shapes)), order, index_orders)


def stack(graph: GraphBuilder, step: Step, operands: Operands) -> list[Tensor]:
    """Arrays along a new axis."""
    axis = step.params[0]["axis"]
    rows = []
    for tensor in (as_tensor(graph, operand) for operand in operands):
        renaming: dict[int, int | None] = {old: old + (old >= axis) for old in range(tensor.rank)}
        rows.append(tensor.renamed(renaming, [(*shape[:axis], 1, *shape[axis:]) for shape in tensor.shapes]))
    return [_joined(graph, rows, axis, step.outputs[0].shapes)]


def unstack(graph: GraphBuilder, step: Step, operands: Operands) -> list[Tensor]:
    """The rows along an axis, without it."""
    tensor, axis = as_tensor(graph, operands[0]), step.params[0]["axis"]
    rows = []
    for i, out in enumerate(step.outputs):
        row = tensor
        if axis in tensor.axes:
            row = sliced(graph, tensor, {axis: (i, i + 1, 1)}, [(*s[:axis], 1, *s[axis:]) for s in out.shapes])
        renaming = {old: None if old == axis else old - (old > axis) for old in range(tensor.rank)}
        rows.append(row.renamed(renaming, out.shapes))
    return rows


def tile(graph: GraphBuilder, step: Step, operands: Operands) -> list[Tensor]:
    """An array repeated along its axes."""
    tensor = materialized(graph, as_tensor(graph, operands[0]), range(as_tensor(graph, operands[0]).rank))
    repeats = graph.same([params["reps"] for params in step.params], "a tile")
    name = graph.node("Tile", [tensor.name, graph.integers(repeats)], step.outputs[0].shapes)
    return [plain(name, step.outputs[0].shapes)]
