"""Multiply-adds of convolutions and matrix products."""

import math
from collections.abc import Sequence


def convolution_macs(positions: Sequence[int], kernel: Sequence[int]) -> int:
    """Number of positions * size of the kernel, which is kh * kw * channels / groups * features.

    The positions are those of the output; for a transposed convolution, those of the input. At each of them the whole
    kernel is applied: taps on padding (or cropped away) count, inserted zeros do not.
    """
    return math.prod(positions) * math.prod(kernel)


def matmul_macs(left: Sequence[int], right: Sequence[int], contracted: Sequence[int], batch: Sequence[int]) -> int:
    """Rows * columns * contracted length, for each member of the batch.

    `left` and `right` are whole shapes, `contracted` and `batch` the sizes of the axes that they share.
    """
    shared = math.prod(contracted) * math.prod(batch)
    return math.prod(left) * math.prod(right) // shared
