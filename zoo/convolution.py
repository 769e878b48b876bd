"""Convolution in the form that is fastest on the platform it is compiled for; the values are the same to rounding.

XLA has a fast convolution for every case on a GPU or TPU. On a CPU two forms of ours are faster, forward and backward:
a matrix product where the filter sees one pixel, and sums over taps where each channel has a filter of its own.
`docs/performance.md` has the figures.
"""

from collections.abc import Callable
from functools import partial

import jax
from jax import lax

from zoo.depthwise import depthwise_conv
from zoo.geometry import Pads
from zoo.windows import Two

# Each tap is compiled by itself; 7x7, ConvNeXt's, is the largest depthwise window of the zoo.
MOST_TAPS = 49


def convolution(x: jax.Array, kernel: jax.Array, stride: Two, pads: Pads, dilation: Two, groups: int) -> jax.Array:
    """`lax.conv_general_dilated` of x [b, h, w, c] with kernel [kh, kw, c / groups, features]."""
    direct = partial(
        lax.conv_general_dilated,
        window_strides=stride,
        padding=pads,
        rhs_dilation=dilation,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
    )
    faster = _on_a_cpu(x.shape[-1], kernel.shape, stride, pads, dilation, groups)
    return lax.platform_dependent(x, kernel, cpu=faster, default=direct) if faster else direct(x, kernel)


def _on_a_cpu(
    channels: int, kernel: tuple[int, ...], stride: Two, pads: Pads, dilation: Two, groups: int
) -> Callable | None:
    """The form that beats XLA's convolution on a CPU, where there is one."""
    if kernel[:2] == (1, 1) and groups == 1 and not any(map(any, pads)):
        return partial(pointwise_conv, stride=stride)
    if groups == channels == kernel[-1] and dilation == (1, 1) and kernel[0] * kernel[1] <= MOST_TAPS:
        return partial(depthwise_conv, stride=stride, pads=pads)
    return None


def pointwise_conv(x: jax.Array, kernel: jax.Array, stride: Two) -> jax.Array:
    """Convolution with a 1x1 kernel as a matrix product; of flat arrays, or the gradient's would transpose images."""
    x = x[:, :: stride[0], :: stride[1]]
    return (x.reshape(-1, x.shape[-1]) @ kernel[0, 0]).reshape(*x.shape[:3], kernel.shape[-1])
