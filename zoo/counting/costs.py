"""Multiply-adds of convolutions and matrix products, from their shapes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ConvolutionAxis:
    """One spatial axis of a convolution: sizes in positions, padding before the first, and its steps.

    `input_dilation` is the distance of the input's values when zeros are put between them: the stride of a transposed
    convolution.
    """

    image: int
    output: int
    kernel: int
    stride: int = 1
    low: int = 0
    dilation: int = 1
    input_dilation: int = 1


def kernel_positions(axis: ConvolutionAxis, *, transposed: bool) -> int:
    """At how many positions along an axis the kernel is applied.

    In a convolution at each position of the output, taps on padding included. In a transposed convolution at each
    position of the input: inserted zeros do not count, and taps that are cropped away do.
    """
    if not transposed or axis.stride > 1:
        return axis.output
    return axis.image if axis.input_dilation > 1 else min(axis.image, axis.output)


def taps(axis: ConvolutionAxis, *, transposed: bool) -> int:
    """Multiply-adds along an axis: the kernel's size at each of its positions.

    With a stride and zeros between the values of the input, the taps that meet a value.
    """
    if axis.input_dilation == 1 or axis.stride == 1:
        return kernel_positions(axis, transposed=transposed) * axis.kernel
    last = (axis.image - 1) * axis.input_dilation
    met = (
        output * axis.stride + tap * axis.dilation - axis.low
        for output in range(axis.output)
        for tap in range(axis.kernel)
    )
    return sum(0 <= position <= last and position % axis.input_dilation == 0 for position in met)


def product_macs(left: Sequence[int], right: Sequence[int], contracted: Sequence[int], batch: Sequence[int]) -> int:
    """Rows * columns * contracted length, for each member of the batch; `left` and `right` have the other axes."""
    return math.prod((*left, *right, *contracted, *batch))
