"""Arrays with a value for each position of a feature map, of size 1 along axes where all positions have the same."""

from collections.abc import Sequence

import numpy as np

from zoo.counting.graph import NOTHING, AxisMap, AxisTable, IndexMap

Array = np.ndarray


def moved(values: Array, index_map: IndexMap, shape: Sequence[int], *, besides: int | None = None) -> Array:
    """For each position of an output with `shape`, the smallest value of the positions that it reads, or NOTHING.

    Values that grow along the axis `besides` are those of its first position.
    """
    if index_map.move is not None:
        return index_map.move(values)
    kept = []
    for axis, part in enumerate(index_map.axes):
        if part is None or axis == besides:
            continue
        if part.size is not None:
            values = np.broadcast_to(values, [part.size if a == axis else n for a, n in enumerate(values.shape)])
        if part.size is not None or values.shape[axis] > 1:
            values = _smallest_read(values, axis, part, 1 if part.axis is None else shape[part.axis])
            if part.axis is not None:
                kept.append((part.axis, axis))
    targets = sorted(kept)
    sizes = [1] * len(shape)
    for target, axis in targets:
        sizes[target] = values.shape[axis]
    others = [axis for axis in range(values.ndim) if axis not in {axis for _, axis in targets}]
    return values.transpose([axis for _, axis in targets] + others).reshape(sizes)


def _smallest_read(values: Array, axis: int, part: AxisMap | AxisTable, count: int) -> Array:
    positions = part.positions if isinstance(part, AxisTable) else _positions(part, count)
    size = values.shape[axis]
    if positions.shape == (size, 1) and np.array_equal(positions[:, 0], np.arange(size)):
        return values
    nothing = np.full_like(values.take([0], axis), NOTHING)
    inside = np.where((positions >= 0) & (positions < size), positions, size)
    return np.concatenate([values, nothing], axis).take(inside, axis).min(axis + 1)


def _positions(part: AxisMap, count: int) -> Array:
    """Which positions each of `count` outputs reads: int [count, at most]."""
    first, last = np.min(part.first), np.max(part.first + part.span - 1)
    return first + part.stride * np.arange(count)[:, None] + np.arange(0, last - first + 1, part.step)


def with_progression(values: Array, axis: int, stride: int, count: int) -> Array:
    """Values of size 1 along `axis`, which grow by `stride` from each of its `count` positions to the next."""
    steps = np.arange(count) * stride
    return values + steps.reshape([-1 if i == axis else 1 for i in range(values.ndim)])


def progression(low: Array, high: Array) -> tuple[int, int] | None:
    """(axis, stride) of an axis along which both grow by the same stride, above 0, everywhere; None without one."""
    for axis in range(low.ndim):
        if low.shape[axis] > 1 and high.shape[axis] > 1:
            steps = np.diff(low, axis=axis)
            stride = int(steps.flat[0])
            if stride > 0 and np.all(steps == stride) and np.all(np.diff(high, axis=axis) == stride):
                return axis, stride
    return None


def compact(values: Array) -> Array:
    """The same values with size 1 along all axes where they do not differ."""
    for axis, size in enumerate(values.shape):
        if size > 1:
            first = values.take([0], axis)
            if np.array_equal(np.broadcast_to(first, values.shape), values):
                values = first
    return values


def broadcast_axes(values: Array, shape: Sequence[int], axes: Sequence[int]) -> Array:
    """The values in full along `axes` of a feature map with `shape`."""
    return np.broadcast_to(values, [shape[a] if a in axes else n for a, n in enumerate(values.shape)])
