"""Reshapes: axes that are renamed, merged or split, where possible without moving a value."""

import math
from collections.abc import Sequence

import numpy as np

from zoo.export.onnx.graph import GraphBuilder
from zoo.export.onnx.operators.resampling import repeated
from zoo.export.onnx.program import Constant, Shape, Step
from zoo.export.onnx.tensors import Tensor, arranged, materialized, with_standard_indices

Blocks = list[tuple[range, range]]


def reshape(graph: GraphBuilder, step: Step, operands: Sequence[Tensor | Constant]) -> list[Tensor]:
    """reshape, squeeze and expand_dims: all that read the values in the same order."""
    (tensor,) = operands
    assert isinstance(tensor, Tensor)
    if step.primitive == "reshape" and (first := step.params[0]["dimensions"]) is not None:
        shapes = [tuple(shape[axis] for axis in first) for shape in tensor.shapes]
        tensor = tensor.renamed({old: new for new, old in enumerate(first)}, shapes)
    result = reshaped(graph, tensor, step.outputs[0].shapes)
    # Pixels as a sequence, for attention: norms and products are of the last axis from here on.
    if tensor.rank > 3 and result.order == (0, 2, 1):
        result = arranged(graph, result, (0, 1, 2))
    return [result]


def reshaped(graph: GraphBuilder, tensor: Tensor, shapes: Sequence[Shape]) -> Tensor:
    """The tensor as an array of other shapes, whose values are the same in row-major order."""
    shapes = tuple(map(tuple, shapes))
    blocks = _blocks(tensor.shapes, shapes)
    if blocks is None:
        raise graph.refusal("a reshape of what is empty for some sizes has no ONNX form")
    for old, new in blocks:
        if len(new) == 1 and (larger := _repeated(graph, tensor, old, [shape[new[0]] for shape in shapes])) is not None:
            return reshaped(graph, larger, shapes)
    merged = [old for old, _ in blocks if len([axis for axis in old if _size(tensor.shapes, axis) != 1]) > 1]
    split = [old for old, new in blocks if len([axis for axis in new if _size(shapes, axis) != 1]) > 1]
    tensor = _adjacent(graph, tensor, merged, split)
    axes: dict[int, tuple[int, ...]] = {}  # old axis that stands for its block: the new axes in its place
    index_orders: dict[int, np.ndarray] = {}
    for old, new in blocks:
        _place_block(graph, tensor, old, new, shapes, axes, index_orders)
    order: list[int | None] = []
    for axis in tensor.order:
        order.extend([None] if axis is None else axes.get(axis, ()))
    if not any(len(axes.get(axis, ())) != 1 for axis in tensor.axes):
        return Tensor(tensor.name, shapes, tuple(order), index_orders)
    sizes = [tuple(1 if axis is None else shape[axis] for axis in order) for shape in shapes]
    return Tensor(graph.reshape(tensor.name, sizes), shapes, tuple(order), index_orders)


def _blocks(old: Sequence[Shape], new: Sequence[Shape]) -> Blocks | None:
    """The finest ranges of old and new axes with equally many values each, in all traces; None where there are none."""
    if any(0 in shape for shape in (*old, *new)):
        return None
    blocks: Blocks = []
    i = j = 0
    while i < len(old[0]) or j < len(new[0]):
        first, second = i, j
        i, j = min(i + 1, len(old[0])), min(j + 1, len(new[0]))
        while True:
            left = [math.prod(shape[first:i]) for shape in old]
            right = [math.prod(shape[second:j]) for shape in new]
            if left == right:
                break
            if i < len(old[0]) and (j == len(new[0]) or math.prod(left) < math.prod(right)):
                i += 1
            else:
                j += 1
        blocks.append((range(first, i), range(second, j)))
    return blocks


def _repeated(graph: GraphBuilder, tensor: Tensor, block: range, sizes: Sequence[int]) -> Tensor | None:
    """The tensor with the values along an axis repeated, where the next axis is their repetitions; None for others."""
    long = [axis for axis in block if _size(tensor.shapes, axis) != 1]
    if len(long) != 2 or long[0] not in tensor.axes or long[1] in tensor.axes:
        return None
    pairs = list(zip(tensor.shapes, sizes, strict=True))
    shapes = [(*shape[: long[0]], size, *shape[long[0] + 1 :]) for shape, size in pairs]
    shapes = [tuple(1 if axis == long[1] else size for axis, size in enumerate(shape)) for shape in shapes]
    return repeated(graph, tensor, long[0], shapes)


def _size(shapes: Sequence[Shape], axis: int) -> int:
    """The size of an axis; -1 where it is free."""
    sizes = {shape[axis] for shape in shapes}
    return sizes.pop() if len(sizes) == 1 else -1


def _adjacent(graph: GraphBuilder, tensor: Tensor, merged: Sequence[range], split: Sequence[range]) -> Tensor:
    """The tensor so that the axes of each block that is merged lie side by side, and all axes that must exist do."""
    shapes = tensor.shapes
    needed = {axis for block in (*merged, *split) for axis in block if _size(shapes, axis) != 1}
    if not needed <= set(tensor.axes):
        return materialized(graph, tensor, _in_blocks(range(tensor.rank), merged))
    tensor = with_standard_indices(graph, tensor, [axis for block in split for axis in block])
    # The indices of a merged axis are a list, which cannot have a free length.
    free = [block for block in merged if any(_size(shapes, axis) == -1 for axis in block)]
    tensor = with_standard_indices(graph, tensor, [axis for block in free for axis in block])
    for block in merged:
        positions = [tensor.position(axis) for axis in block if axis in tensor.axes and _size(shapes, axis) != 1]
        between = range(min(positions), max(positions) + 1)
        others = [tensor.order[i] for i in between if i not in positions]
        apart = any(axis is not None and _size(shapes, axis) != 1 for axis in others)
        in_order = positions == sorted(positions)
        if apart or (not in_order and (block in free or block in split)):
            return arranged(graph, tensor, _in_blocks(tensor.axes, merged))
    return tensor


def _in_blocks(axes: Sequence[int], blocks: Sequence[range]) -> tuple[int, ...]:
    """The axes in their order, but those of each block side by side and ascending, where its first one is."""
    order: list[int] = []
    for axis in axes:
        block = next((block for block in blocks if axis in block), range(axis, axis + 1))
        order.extend(one for one in block if one in axes and one not in order)
    return tuple(order)


def _place_block(
    graph: GraphBuilder,
    tensor: Tensor,
    old: range,
    new: range,
    shapes: Sequence[Shape],
    axes: dict[int, tuple[int, ...]],
    index_orders: dict[int, np.ndarray],
) -> None:
    """Note which new axes stand in the place of which old one, and the order of indices along a merged axis."""
    present = [axis for axis in tensor.axes if axis in old]
    long = [axis for axis in present if _size(tensor.shapes, axis) != 1]
    new_long = tuple(axis for axis in new if _size(shapes, axis) != 1)
    if len(old) == len(new) == 1:
        # Also a batch of one: runtimes resize images only with the axis of the batch.
        long, new_long = present, tuple(new)
    axes.update(dict.fromkeys(present, ()))
    if not long:
        return
    axes[long[0]] = new_long
    if len(new_long) != 1:
        return
    if len(long) == 1 and long[0] in tensor.index_orders:
        index_orders[new_long[0]] = tensor.index_orders[long[0]]
    if len(long) > 1 and (long != sorted(long) or any(axis in tensor.index_orders for axis in long)):
        sizes = [_size(tensor.shapes, axis) for axis in sorted(long)]
        grid = np.arange(math.prod(sizes)).reshape(sizes).transpose([sorted(long).index(axis) for axis in long])
        for i, axis in enumerate(long):
            if axis in tensor.index_orders:
                grid = grid.take(tensor.index_orders[axis], i)
        index_orders[new_long[0]] = grid.reshape(-1)
