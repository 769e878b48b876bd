"""What array operations read of an input, as an `IndexMap`."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from zoo.counting.graph import NOTHING, AxisMap, AxisTable, IndexMap
from zoo.counting.position_arrays import broadcast_axes

Shape = Sequence[int]


def elementwise(shape: Shape, output: Shape) -> IndexMap:
    """Each output position reads the same position of the input, and all read one that is repeated."""
    if shape and len(shape) != len(output):
        return whole_input(shape, exact=False)
    return broadcast(shape, range(len(shape)), output)


def whole_input(shape: Shape, *, exact: bool = True) -> IndexMap:
    """Every output position reads the whole input; not `exact` for an operation that is not known better."""
    return IndexMap(tuple(AxisMap(None, span=n) for n in shape), exact=exact)


def whole_axes(shape: Shape, axes: Sequence[int]) -> IndexMap:
    """Every output position reads all of some axes, and of the others its own position, as a sort does."""
    return IndexMap(tuple(AxisMap(None, span=n) if a in axes else AxisMap(a) for a, n in enumerate(shape)))


def broadcast(shape: Shape, targets: Sequence[int], output: Shape) -> IndexMap:
    """Input axis i becomes output axis targets[i]; an axis of size 1 that is repeated is read by all positions."""
    return IndexMap(
        tuple(
            AxisMap(target) if output[target] == n else AxisMap(None) for n, target in zip(shape, targets, strict=True)
        )
    )


def reduction(shape: Shape, axes: Sequence[int]) -> IndexMap:
    """Sum, maximum and the like over `axes`, which disappear."""
    kept = iter(range(len(shape)))
    return IndexMap(tuple(AxisMap(None, span=n) if a in axes else AxisMap(next(kept)) for a, n in enumerate(shape)))


def strided_slice(starts: Sequence[int], strides: Sequence[int]) -> IndexMap:
    """Slice from `starts` on, with `strides`."""
    parts = zip(starts, strides, strict=True)
    return IndexMap(tuple(AxisMap(axis, first, stride) for axis, (first, stride) in enumerate(parts)))


def item(rank: int, axis: int, index: int) -> IndexMap:
    """Position `index` of an axis, which disappears."""
    return IndexMap(tuple(AxisMap(None, index) if a == axis else AxisMap(a - (a > axis)) for a in range(rank)))


def tiled(shape: Shape, output: Shape) -> IndexMap:
    """The input again and again along each axis."""

    def part(axis: int) -> AxisMap | AxisTable:
        n = shape[axis]
        return AxisMap(axis) if output[axis] == n else AxisTable(axis, lambda: np.arange(output[axis])[:, None] % n)

    return IndexMap(tuple(map(part, range(len(shape)))))


def stacked(shape: Shape, axis: int, index: int, length: int) -> IndexMap:
    """The input becomes position `index` of a new `axis` of `length`."""
    return IndexMap(
        tuple(AxisMap(a + (a >= axis)) for a in range(len(shape))),
        move=lambda values: _placed(np.expand_dims(values, axis), axis, index, length),
        has_gaps=True,
    )


def concatenated(shape: Shape, along: int, start: int, length: int) -> IndexMap:
    """The input becomes the part from `start` on of an axis of `length`."""
    return IndexMap(
        tuple(None if axis == along else AxisMap(axis) for axis in range(len(shape))),
        move=lambda values: _placed(broadcast_axes(values, shape, [along]), along, start, length),
        has_gaps=True,
    )


def _placed(values: np.ndarray, axis: int, start: int, length: int) -> np.ndarray:
    after = length - start - values.shape[axis]
    around = [(start, after) if a == axis else (0, 0) for a in range(values.ndim)]
    return np.pad(values, around, constant_values=NOTHING)


def pad(config: Sequence[tuple[int, int, int]], shape: Shape, output: Shape) -> IndexMap:
    """Padding of (low, high, interior) on each axis; interior padding is between the positions of the input."""

    def part(axis: int) -> AxisMap | AxisTable:
        low, high, gap = config[axis]
        if max(low, high, gap) <= 0:
            return AxisMap(axis, -low)
        if gap == 0:
            return AxisMap(axis, -low, size=shape[axis])
        positions = sliding_window(axis, taps=(0, 0), stride=1, low=low, count=output[axis], input_dilation=gap + 1)
        return replace(positions, size=shape[axis])

    return IndexMap(tuple(map(part, range(len(shape)))), has_gaps=any(max(sides) > 0 for sides in config))


def sliding_window(
    axis: int,
    *,
    taps: tuple[int | np.ndarray, int | np.ndarray],
    stride: int,
    low: int,
    count: int,
    dilation: int = 1,
    input_dilation: int = 1,
) -> AxisMap | AxisTable:
    """A sliding window along an output axis of `count`, with `low` positions of padding before it.

    `taps` are the first and the last one, which may be arrays over the output's features. With input dilation
    (transposed convolution) the number of positions that are read differs between output positions.
    """
    first, last = taps
    if input_dilation == 1:
        return AxisMap(axis, first * dilation - low, stride, (last - first) * dilation + 1, dilation)

    def positions() -> np.ndarray:
        offsets = np.arange(max(0, np.min(first)), np.max(last) + 1) * dilation - low
        spread = np.arange(count)[:, None] * stride + offsets
        return np.where(spread % input_dilation == 0, spread // input_dilation, -1)

    return AxisTable(axis, positions)


def gathered(shape: Shape, output: Shape, source: np.ndarray) -> IndexMap:
    """Each output position reads one position: `source` [*output] has its number in the flat input, -1 for none."""

    def move(values: np.ndarray) -> np.ndarray:
        flat = np.append(np.broadcast_to(values, shape).reshape(-1), NOTHING)
        return flat[source.reshape(output)]

    return IndexMap((None,) * len(shape), move=move, has_gaps=True)


def where(shape: Shape, seen: np.ndarray, *, masks: bool = False) -> IndexMap:
    """Each output position reads its own, where `seen` says so; `masks` is that of the map."""
    return IndexMap(
        (None,) * len(shape),
        move=lambda values: np.where(seen, values, NOTHING),
        has_gaps=True,
        masks=masks,
    )


def cumulative(shape: Shape, axis: int, *, reverse: bool) -> IndexMap:
    """Each output position reads its own and all before it along `axis`, or all after it."""

    def move(values: np.ndarray) -> np.ndarray:
        ordered = np.flip(values, axis) if reverse else values
        running = np.minimum.accumulate(ordered, axis)
        return np.flip(running, axis) if reverse else running

    return IndexMap(tuple(None if a == axis else AxisMap(a) for a in range(len(shape))), move=move)


def reversal(shape: Shape, axes: Sequence[int]) -> IndexMap:
    """The positions along `axes` in the opposite order."""

    def part(axis: int) -> AxisMap | AxisTable:
        return AxisTable(axis, lambda: np.arange(shape[axis])[::-1, None]) if axis in axes else AxisMap(axis)

    return IndexMap(tuple(map(part, range(len(shape)))))


def grouped(axis: int, outputs: int, inputs: int, groups: int) -> AxisMap | AxisTable:
    """The features of an output, each of which reads the features of its group."""
    if groups == 1:
        return AxisMap(None, span=inputs)
    if groups == inputs == outputs:
        return AxisMap(axis)
    width = inputs // groups
    return AxisTable(axis, lambda: (np.arange(outputs) // (outputs // groups) * width)[:, None] + np.arange(width))


def matrix(axis: int, seen: np.ndarray) -> AxisTable:
    """A product with a matrix along an axis: output position o reads those i with seen[i, o]."""

    def positions() -> np.ndarray:
        numbers = seen.sum(0)
        most = max(1, int(numbers.max(initial=0)))
        order = np.argsort(~seen, axis=0, kind="stable")[:most].T
        return np.where(np.arange(most) < numbers[:, None], order, -1)

    return AxisTable(axis, positions)


def transposed_reshape(shape: Shape, order: Sequence[int], output: Shape) -> IndexMap:
    """A reshape of the input with its axes in another order, as `vmap` makes of a convolution with its own kernels."""
    after = reshape([shape[axis] for axis in order], output)
    parts = dict(zip(order, after.axes, strict=True))
    move = after.move
    return IndexMap(
        tuple(parts[axis] for axis in range(len(shape))),
        move=None if move is None else lambda values: move(values.transpose(order)),
    )


def reshape(shape: Shape, output: Shape) -> IndexMap:
    """The same values in the same order; an axis that stays, beside axes of size 1, is read as such."""
    parts: list[AxisMap | None] = [None] * len(shape)
    runs = _matching_axes(shape, output)
    for inputs, outputs in runs:
        wide_in = [a for a in inputs if shape[a] > 1]
        wide_out = [a for a in outputs if output[a] > 1]
        for a in inputs:
            if shape[a] <= 1:
                parts[a] = AxisMap(None)
            elif len(wide_in) == len(wide_out) == 1:
                parts[a] = AxisMap(wide_out[0])

    def move(values: np.ndarray) -> np.ndarray:
        sizes = [1] * len(output)
        for inputs, outputs in runs:
            if any(values.shape[a] > 1 for a in inputs):
                values = broadcast_axes(values, shape, inputs)
                for a in outputs:
                    sizes[a] = output[a]
        return values.reshape(sizes)

    return IndexMap(tuple(parts), move=move)


def _matching_axes(shape: Shape, output: Shape) -> list[tuple[list[int], list[int]]]:
    """The shortest runs of axes with the same product of sizes, left to right, as (input axes, output axes)."""
    runs, i, j = [], 0, 0
    while i < len(shape) or j < len(output):
        inputs, outputs, n, m = [], [], 1, 1
        while True:
            if n <= m and i < len(shape):
                n, i = n * shape[i], i + 1
                inputs.append(i - 1)
            elif j < len(output):
                m, j = m * output[j], j + 1
                outputs.append(j - 1)
            else:
                break
            if n == m and n > 1:
                break
        runs.append((inputs, outputs))
    return runs
