"""What array operations read of an input: an `IndexMap`, with one `AxisMap` for each axis of the input."""

from collections.abc import Sequence
from fractions import Fraction

from zoo.counting.graph import AxisMap, IndexMap

Shape = Sequence[int]


def elementwise(shape: Shape) -> IndexMap:
    """Each output position reads the same position of the input."""
    return tuple(AxisMap(axis) for axis in range(len(shape)))


def whole_input(shape: Shape) -> IndexMap:
    """Every output position reads the whole input: the assumption for an operation that is not known better."""
    return tuple(AxisMap(None, span=n) for n in shape)


def broadcast(shape: Shape, targets: Sequence[int], output: Shape) -> IndexMap:
    """Input axis i becomes output axis targets[i]; an axis of size 1 that is repeated is read by all positions."""
    return tuple(
        AxisMap(target) if output[target] == n else AxisMap(None) for n, target in zip(shape, targets, strict=True)
    )


def reduction(shape: Shape, axes: Sequence[int]) -> IndexMap:
    """Sum, maximum and the like over `axes`, which disappear."""
    kept = iter(range(len(shape)))
    return tuple(AxisMap(None, span=n) if a in axes else AxisMap(next(kept)) for a, n in enumerate(shape))


def strided_slice(starts: Sequence[int], strides: Sequence[int]) -> IndexMap:
    """Slice from `starts` on, with `strides`."""
    return tuple(AxisMap(a, first, stride) for a, (first, stride) in enumerate(zip(starts, strides, strict=True)))


def pad(config: Sequence[tuple[int, int, int]]) -> IndexMap:
    """Padding of (low, high, interior) on each axis; interior padding is between the positions of the input."""
    return tuple(AxisMap(a, Fraction(-low, gap + 1), Fraction(1, gap + 1)) for a, (low, _, gap) in enumerate(config))


def sliding_window(
    axis: int, *, kernel: int, stride: int, low: int, dilation: int = 1, input_dilation: int = 1
) -> AxisMap:
    """A sliding window along one axis, with `low` positions of padding before it.

    With input dilation (transposed convolution) the number of positions that are read differs between output
    positions; `span` is the largest number, about the same centre.
    """
    extent = (kernel - 1) * dilation
    span = extent // input_dilation + 1
    centre = Fraction(extent, 2) - low
    first = centre / input_dilation - Fraction(span - 1, 2)
    return AxisMap(axis, first, Fraction(stride, input_dilation), span)


def reshape(shape: Shape, output: Shape) -> IndexMap:
    """Axes that are merged into one are folded; an axis that is split is read in blocks; else all of it is read."""
    maps = [AxisMap(None, span=n) for n in shape]
    for inputs, outputs in _matching_axes(shape, output):
        wide_in = [a for a in inputs if shape[a] > 1]
        wide_out = [a for a in outputs if output[a] > 1]
        if len(wide_out) == 1:
            for a in wide_in:
                maps[a] = AxisMap(wide_out[0], folded=len(wide_in) > 1)
        elif len(wide_in) == 1:
            block = shape[wide_in[0]] // output[wide_out[0]]
            maps[wide_in[0]] = AxisMap(wide_out[0], stride=block, span=block)
    return tuple(maps)


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
