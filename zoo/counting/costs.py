"""Multiply-adds of the operations that have any: one pure function an operation, its formula in its docstring."""

import math
from collections.abc import Sequence


def convolution(places: Sequence[int], kernel: Sequence[int]) -> int:
    """Number of places * size of the kernel, which is kh * kw * channels / groups * features.

    The places are those of the output, or those of the input for a transposed convolution: every output (input) place
    meets the whole kernel, taps on padding (or cropped away) included, inserted zeros not.
    """
    return math.prod(places) * math.prod(kernel)


def product(left: Sequence[int], right: Sequence[int], contracted: Sequence[int], batch: Sequence[int]) -> int:
    """Matrix product: rows * columns * length of what is summed over, for each member of the batch.

    `left` and `right` are full shapes, `contracted` and `batch` the sizes of the axes that they have in common.
    """
    common = math.prod(contracted) * math.prod(batch)
    return math.prod(left) * math.prod(right) // common
