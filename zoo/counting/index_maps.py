"""What each kind of array operation reads of its input: one `Read` for every axis of the input."""

from collections.abc import Sequence
from fractions import Fraction

from zoo.counting.graph import Read, Reads

Shape = Sequence[int]


def same(shape: Shape) -> Reads:
    """Elementwise: each position reads its own."""
    return tuple(Read(axis) for axis in range(len(shape)))


def everything(shape: Shape) -> Reads:
    """Every output reads the whole input: what is assumed of an operation that is not known better."""
    return tuple(Read(None, span=n) for n in shape)


def broadcast(shape: Shape, targets: Sequence[int], output: Shape) -> Reads:
    """Input axis i becomes output axis targets[i]; one of size 1 that is repeated is read by all positions."""
    return tuple(Read(target) if output[target] == n else Read(None) for n, target in zip(shape, targets, strict=True))


def reduced(shape: Shape, axes: Sequence[int]) -> Reads:
    """Sum, maximum and the like over `axes`, which disappear."""
    kept = iter(range(len(shape)))
    return tuple(Read(None, span=n) if a in axes else Read(next(kept)) for a, n in enumerate(shape))


def sliced(starts: Sequence[int], strides: Sequence[int]) -> Reads:
    """Strided slice."""
    return tuple(Read(a, first, stride) for a, (first, stride) in enumerate(zip(starts, strides, strict=True)))


def padded(config: Sequence[tuple[int, int, int]]) -> Reads:
    """Padding of (low, high, interior) on each axis; interior padding spreads the input out."""
    return tuple(Read(a, Fraction(-low, gap + 1), Fraction(1, gap + 1)) for a, (low, _, gap) in enumerate(config))


def window(axis: int, kernel: int, stride: int, low: int, dilation: int = 1, input_dilation: int = 1) -> Read:
    """A window along one axis. An input dilation (transposed convolution) puts the window between the places.

    The number of places read then differs with the position; `span` is the largest, about the same centre.
    """
    extent = (kernel - 1) * dilation
    span = extent // input_dilation + 1
    centre = Fraction(extent, 2) - low
    return Read(axis, centre / input_dilation - Fraction(span - 1, 2), Fraction(stride, input_dilation), span)


def reshaped(shape: Shape, output: Shape) -> Reads:
    """Axes merged into one are folded; an axis that is split is read in blocks; both at once is read as a whole."""
    reads = [Read(None, span=n) for n in shape]
    for inputs, outputs in _matching(shape, output):
        wide_in = [a for a in inputs if shape[a] > 1]
        wide_out = [a for a in outputs if output[a] > 1]
        if len(wide_out) == 1:
            for a in wide_in:
                reads[a] = Read(wide_out[0], folded=len(wide_in) > 1)
        elif len(wide_in) == 1:
            block = shape[wide_in[0]] // output[wide_out[0]]
            reads[wide_in[0]] = Read(wide_out[0], stride=block, span=block)
    return tuple(reads)


def _matching(shape: Shape, output: Shape) -> list[tuple[list[int], list[int]]]:
    """The shortest runs of axes whose sizes multiply to the same, left to right."""
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
