"""gather: values at positions along axes, that are constant or depend on the images."""

from collections.abc import Sequence

import jax.lax
import numpy as np

from zoo.export.onnx.graph import GraphBuilder
from zoo.export.onnx.operators.elementwise import selected
from zoo.export.onnx.operators.movement import as_tensor
from zoo.export.onnx.operators.resampling import nearest
from zoo.export.onnx.program import Constant, Step
from zoo.export.onnx.tensors import Tensor, common, materialized, plain, with_standard_indices

Operands = Sequence[Tensor | Constant]
FILL = jax.lax.GatherScatterMode.FILL_OR_DROP


def gather(graph: GraphBuilder, step: Step, operands: Operands) -> list[Tensor]:
    """Rows along one axis by the node Gather, values at several coordinates by GatherND."""
    tensor, indices = as_tensor(graph, operands[0]), operands[1]
    numbers, rank = step.params[0]["dimension_numbers"], len(operands[0].shapes[0])
    taken = tuple(numbers.start_index_map)
    removed = {*numbers.collapsed_slice_dims, *numbers.operand_batching_dims}
    whole = all(
        params["slice_sizes"][axis] == (1 if axis in removed else shape[axis])
        for params, shape in zip(step.params, tensor.shapes, strict=True)
        for axis in range(rank)
    )
    if not whole or set(numbers.collapsed_slice_dims) != set(taken):
        raise graph.refusal("a gather of parts of rows has no ONNX form: take whole rows, or use slices")
    if numbers.operand_batching_dims or len(taken) != 1:
        return [_at_coordinates(graph, step, tensor, indices)]
    return [_rows(graph, step, tensor, indices, taken[0])]


def _rows(graph: GraphBuilder, step: Step, tensor: Tensor, indices: Tensor | Constant, axis: int) -> Tensor:
    """Gather along one axis. The axes of the indices come together in the result."""
    numbers, out = step.params[0]["dimension_numbers"], step.outputs[0]
    new = [one for one in range(len(out.shapes[0])) if one not in numbers.offset_dims]
    if new != list(range(new[0], new[0] + len(new)) if new else []):
        return _at_coordinates(graph, step, tensor, indices)
    kept = dict(zip([one for one in range(tensor.rank) if one != axis], numbers.offset_dims, strict=True))
    if isinstance(indices, Constant) and len(new) == 1:
        lengths = [shape[new[0]] for shape in out.shapes]
        shapes = [(*s[:axis], n, *s[axis + 1 :]) for s, n in zip(tensor.shapes, lengths, strict=True)]
        if (smaller_or_larger := nearest(graph, tensor, axis, indices, shapes)) is not None:
            return smaller_or_larger.renamed({**kept, axis: new[0]}, out.shapes)
    name, valid = _positions(graph, step, tensor, indices, [axis])
    if axis not in tensor.axes and len(new) == 1:
        renaming: dict[int, int | None] = {**kept, axis: None}
        return _filled(graph, step, tensor.renamed(renaming, out.shapes), valid, new)
    if axis not in tensor.axes:
        tensor = materialized(graph, tensor, range(tensor.rank))
    tensor = with_standard_indices(graph, tensor, [axis])
    sizes = [shape[:-1] for shape in indices.shapes]
    if name in graph.constants:
        name = graph.constant(graph.constants[name].reshape(sizes[0]))
    else:
        name = graph.reshape(name, sizes)
    position = tensor.position(axis)
    shapes = [
        (*shape[:position], *size, *shape[position + 1 :])
        for shape, size in zip(graph.shapes[tensor.name], sizes, strict=True)
    ]
    name = graph.node("Gather", [tensor.name, name], shapes, attributes={"axis": position})
    order = [None if one is None else kept.get(one) for one in tensor.order]
    order[position : position + 1] = new
    index_orders = {kept[one]: order for one, order in tensor.index_orders.items()}
    return _filled(graph, step, Tensor(name, out.shapes, tuple(order), index_orders), valid, new)


def _at_coordinates(graph: GraphBuilder, step: Step, tensor: Tensor, indices: Tensor | Constant) -> Tensor:
    """GatherND of [shared axes, axes with a coordinate, others]."""
    numbers, out = step.params[0]["dimension_numbers"], step.outputs[0]
    shared, taken = list(numbers.operand_batching_dims), list(numbers.start_index_map)
    others = [axis for axis in range(tensor.rank) if axis not in shared and axis not in taken]
    tensor = materialized(graph, tensor, [*shared, *taken, *others])
    rank = len(indices.shapes[0])
    free = [axis for axis in range(rank - 1) if axis not in numbers.start_indices_batching_dims]
    order = [*numbers.start_indices_batching_dims, *free, rank - 1]
    positions, valid = _positions(graph, step, tensor, indices, taken)
    positions = graph.transpose(positions, order)
    sizes = [tuple(shape[axis] for axis in order[:-1]) for shape in indices.shapes]
    shapes = [(*size, *(shape[axis] for axis in others)) for size, shape in zip(sizes, tensor.shapes, strict=True)]
    name = graph.node("GatherND", [tensor.name, positions], shapes, attributes={"batch_dims": len(shared)})
    new = [one for one in range(len(out.shapes[0])) if one not in numbers.offset_dims]
    result = Tensor(name, out.shapes, (*(new[axis] for axis in order[:-1]), *numbers.offset_dims))
    return _filled(graph, step, result, valid, new)


def _positions(
    graph: GraphBuilder, step: Step, tensor: Tensor, indices: Tensor | Constant, axes: Sequence[int]
) -> tuple[str, Tensor | Constant | None]:
    """The indices within the array, and which of them were, if others give NaN."""
    ends = [graph.same([shape[axis] for shape in tensor.shapes], "a bound of a gather") - 1 for axis in axes]
    if isinstance(indices, Constant):
        array = common(graph, indices).astype(np.int64)
        return graph.constant(np.clip(array, 0, ends)), _mask(graph, step, indices, ends)
    whole = materialized(graph, indices, range(indices.rank)).name
    given = graph.cast(whole, np.int64)
    zero, end = graph.integers([0]), graph.integers(ends)
    name = graph.binary("Min", graph.binary("Max", given, zero), end)
    if step.params[0]["mode"] != FILL:
        return name, None
    inside = graph.cast(graph.binary("Equal", name, given, bool), np.int32)
    shapes = [(*shape[:-1], 1) for shape in indices.shapes]
    every = graph.node("ReduceMin", [inside, graph.integers([len(shapes[0]) - 1])], shapes, attributes={"keepdims": 1})
    flat = graph.reshape(graph.cast(every, bool), [shape[:-1] for shape in shapes])
    return name, plain(flat, [shape[:-1] for shape in shapes])


def _mask(graph: GraphBuilder, step: Step, indices: Constant, ends: Sequence[int]) -> Constant | None:
    """Which of constant indices are within the array; None where all are, or count as the nearest one."""
    array = common(graph, indices)
    inside = ((array >= 0) & (array <= ends)).all(-1)
    return None if step.params[0]["mode"] != FILL or inside.all() else Constant((inside,) * len(indices.arrays))


def _filled(
    graph: GraphBuilder, step: Step, result: Tensor, valid: Tensor | Constant | None, axes: Sequence[int]
) -> Tensor:
    """NaN, or the value of a step's own, where an index is none of the array."""
    if valid is None:
        return result
    fill, dtype = step.params[0]["fill_value"], step.outputs[0].dtype
    if fill is None:
        fill = np.nan if dtype.kind in "fV" else np.iinfo(dtype).min if dtype.kind == "i" else 0
        fill = np.iinfo(dtype).max if dtype.kind == "u" else fill
    rank, shapes = result.rank, result.shapes
    if isinstance(valid, Constant):
        array = valid.arrays[0]
        sizes = [array.shape[axes.index(axis)] if axis in axes else 1 for axis in range(rank)]
        valid = Constant((array.reshape(sizes),) * len(shapes))
    else:
        valid = valid.renamed(dict(enumerate(axes)), shapes)
    nothing = Constant((np.broadcast_to(np.asarray(fill, dtype), (1,) * rank),) * len(shapes))
    return selected(graph, valid, nothing, result)
