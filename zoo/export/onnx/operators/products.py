"""Matrix products: dot_general."""

from collections.abc import Sequence

import numpy as np

from zoo.export.onnx.graph import GraphBuilder
from zoo.export.onnx.operators.movement import as_tensor
from zoo.export.onnx.operators.resampling import resampled
from zoo.export.onnx.operators.reshaping import reshaped
from zoo.export.onnx.program import Constant, Shape, Step
from zoo.export.onnx.tensors import Tensor, arranged, common, label_of, materialized, with_standard_indices

Operands = Sequence[Tensor | Constant]


def product(graph: GraphBuilder, step: Step, operands: Operands) -> list[Tensor]:
    """A product of the images' values with a constant, or of two values."""
    (left_axes, right_axes), (left_batch, right_batch) = step.params[0]["dimension_numbers"]
    left, right = operands
    shapes, dtype = step.outputs[0].shapes, step.outputs[0].dtype
    if isinstance(left, Tensor) and isinstance(right, Constant) and not left_batch:
        result = _with_constant(graph, left, left_axes, right, right_axes)
    elif isinstance(left, Constant) and isinstance(right, Tensor) and not left_batch:
        result = _with_constant(graph, right, right_axes, left, left_axes)
        # The free axes of the constant come first.
        free, rank = len(left.shapes[0]) - len(left_axes), result.rank
        result = result.renamed({old: (old + free) % rank for old in range(rank)}, shapes)
    else:
        pair = [as_tensor(graph, operand) for operand in operands]
        result = _of_two(graph, pair, (left_axes, right_axes), (left_batch, right_batch), shapes)
    return [Tensor(graph.cast(result.name, dtype), shapes, result.order, result.index_orders)]


def _with_constant(
    graph: GraphBuilder, tensor: Tensor, axes: Sequence[int], constant: Constant, constant_axes: Sequence[int]
) -> Tensor:
    """The tensor's free axes, then those of the constant."""
    if len(axes) == 1 and (result := _resampled(graph, tensor, axes[0], constant, constant_axes[0])) is not None:
        return result
    matrix = common(graph, constant)
    free = [axis for axis in range(matrix.ndim) if axis not in constant_axes]
    free_sizes = tuple(matrix.shape[axis] for axis in free)
    contracted = int(np.prod([matrix.shape[axis] for axis in constant_axes], dtype=int))
    matrix = matrix.transpose([*constant_axes, *free]).reshape(contracted, -1)
    kept = [axis for axis in range(tensor.rank) if axis not in axes]
    if len(axes) != 1:
        tensor = _merged(graph, tensor, kept, axes, contracted)
        kept, axes = list(range(len(kept))), [len(kept)]
    (axis,) = axes
    if axis not in tensor.axes:
        tensor = materialized(graph, tensor, range(tensor.rank))
    if axis in tensor.index_orders:
        matrix = matrix.take(tensor.index_orders[axis], 0)
    result = _multiplied(graph, tensor, axis, kept, matrix, label_of(constant))
    if len(free) != 1:
        result = reshaped(graph, result, [(*shape[:-1], *free_sizes) for shape in result.shapes])
    return result


def _resampled(graph: GraphBuilder, tensor: Tensor, axis: int, constant: Constant, constant_axis: int) -> Tensor | None:
    """The product with a matrix that resizes an image or averages it; that axis is the last one of the result."""
    if len(constant.shapes[0]) != 2:
        return None
    pairs = zip(tensor.shapes, constant.shapes, strict=True)
    shapes = [(*shape[:axis], matrix[1 - constant_axis], *shape[axis + 1 :]) for shape, matrix in pairs]
    result = resampled(graph, tensor, axis, constant, constant_axis, shapes)
    if result is None:
        return None
    moved = [*(one for one in range(tensor.rank) if one != axis), axis]
    new_shapes = [tuple(shape[one] for one in moved) for shape in shapes]
    return result.renamed({old: new for new, old in enumerate(moved)}, new_shapes)


def _merged(graph: GraphBuilder, tensor: Tensor, kept: Sequence[int], axes: Sequence[int], size: int) -> Tensor:
    """The tensor with `axes` as one last axis, after the kept ones."""
    moved = [*kept, *axes]
    shapes = [tuple(shape[axis] for axis in moved) for shape in tensor.shapes]
    renamed = tensor.renamed({old: new for new, old in enumerate(moved)}, shapes)
    return reshaped(graph, renamed, [(*shape[: len(kept)], size) for shape in shapes])


def _multiplied(
    graph: GraphBuilder, tensor: Tensor, axis: int, kept: Sequence[int], matrix: np.ndarray, label: tuple[str, ...]
) -> Tensor:
    """The tensor times a matrix along `axis`, whose place the columns take: the last axis of the result's array."""
    position, features = tensor.position(axis), matrix.shape[1]
    length = len(tensor.order)
    if len(tensor.axes) == 2 and length > 2 and axis == tensor.axes[-1]:
        # One vector per image, as after a global pool.
        tensor = arranged(graph, tensor, tensor.axes)
        position, length = 1, 2
    channels_first = position == 1 and length >= 4
    if not (position >= length - 2 or channels_first):
        order = tuple(one for one in tensor.axes if one != axis)
        tensor = arranged(graph, tensor, (*order, axis))
        position, length = len(order), len(order) + 1
    shapes = [(*(shape[one] for one in kept), features) for shape in tensor.shapes]
    renaming = {old: new for new, old in enumerate([*kept, axis])}
    physical = [(*shape[:position], features, *shape[position + 1 :]) for shape in graph.shapes[tensor.name]]
    if channels_first:
        kernel = graph.constant(matrix.T.reshape(features, -1, *(1,) * (length - 2)), label)
        ones, zeros = [1] * (length - 2), [0] * (2 * (length - 2))
        attributes = {"kernel_shape": ones, "strides": ones, "dilations": ones, "pads": zeros, "group": 1}
        name = graph.node("Conv", [tensor.name, kernel], physical, attributes=attributes)
    elif position == length - 1:
        name = graph.node("MatMul", [tensor.name, graph.constant(matrix, label)], physical)
    else:
        name = graph.node("MatMul", [graph.constant(matrix.T, label), tensor.name], physical, graph.dtypes[tensor.name])
    index_orders = {one: order for one, order in tensor.index_orders.items() if one != axis}
    return Tensor(name, tensor.shapes, tensor.order, index_orders).renamed(renaming, shapes)


def _of_two(
    graph: GraphBuilder,
    pair: Sequence[Tensor],
    contracted: Sequence[Sequence[int]],
    batch: Sequence[Sequence[int]],
    shapes: Sequence[Shape],
) -> Tensor:
    """A batched product: batch axes, then the free axes of the first, then those of the second."""
    names, free = [], []
    for side, tensor in enumerate(pair):
        own = [a for a in range(tensor.rank) if a not in contracted[side] and a not in batch[side]]
        free.append(own)
        order = [*batch[side], *own, *contracted[side]] if side == 0 else [*batch[side], *contracted[side], *own]
        groups = (batch[side], own, contracted[side]) if side == 0 else (batch[side], contracted[side], own)
        tensor = _standing(graph, tensor, order)
        physical = [
            (*(s[a] for a in groups[0]), *(int(np.prod([s[a] for a in group], dtype=int)) for group in groups[1:]))
            for s in tensor.shapes
        ]
        names.append(graph.reshape(tensor.name, physical))
    sizes = [
        (*left[:-1], right[-1]) for left, right in zip(graph.shapes[names[0]], graph.shapes[names[1]], strict=True)
    ]
    name = graph.node("MatMul", names, sizes)
    return Tensor(graph.reshape(name, shapes), tuple(map(tuple, shapes)), tuple(range(len(shapes[0]))))


def _standing(graph: GraphBuilder, tensor: Tensor, order: Sequence[int]) -> Tensor:
    return materialized(graph, with_standard_indices(graph, tensor), order)
