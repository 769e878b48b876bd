"""Convolution in the form that is fastest on the platform it is compiled for; the values are the same to rounding.

XLA has a fast convolution for every case on a GPU or TPU. On a CPU it has one where images are larger than the filter
and all channels meet; elsewhere forms of ours are faster, forward and backward, by up to a hundred times.
`docs/performance.md` has the figures.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from zoo.geometry import Pads
from zoo.kernels.depthwise import depthwise_conv
from zoo.kernels.sliding_windows import MOST_TAPS, Two, views

# Channels that a dense convolution needs to be fast: groups of fewer are joined, and zeros fill what they do not share.
DENSE_CHANNELS = 32


def convolution(x: jax.Array, kernel: jax.Array, stride: Two, pads: Pads, dilation: Two, groups: int) -> jax.Array:
    """`lax.conv_general_dilated` of x [b, h, w, c] with kernel [kh, kw, c / groups, features]."""
    direct = partial(direct_conv, stride=stride, pads=pads, dilation=dilation, groups=groups)
    faster = _on_a_cpu(x.shape, kernel.shape, stride, pads, dilation, groups)
    return lax.platform_dependent(x, kernel, cpu=faster, default=direct) if faster else direct(x, kernel)


def direct_conv(
    x: jax.Array, kernel: jax.Array, stride: Two, pads: Pads, dilation: Two = (1, 1), groups: int = 1
) -> jax.Array:
    """XLA's own."""
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=stride,
        padding=pads,
        rhs_dilation=dilation,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
    )


def _on_a_cpu(
    image: tuple[int, ...], kernel: tuple[int, ...], stride: Two, pads: Pads, dilation: Two, groups: int
) -> Callable | None:
    """The form that beats XLA's convolution on a CPU, where there is one; `image` and `kernel` are shapes."""
    _, *size, channels = image
    *window, _, features = kernel
    if dilation != (1, 1):
        return None
    if window == [1, 1] and groups == 1 and not any(map(any, pads)):
        return partial(pointwise_conv, stride=stride)
    if groups == channels == features and window[0] * window[1] <= MOST_TAPS:
        return partial(depthwise_conv, stride=stride, pads=pads)
    if groups > 1:
        return partial(grouped_conv, stride=stride, pads=pads, groups=groups)
    if any(n < w for n, w in zip(size, window, strict=True)):
        return partial(patches_conv, stride=stride, pads=pads)
    return None


def pointwise_conv(x: jax.Array, kernel: jax.Array, stride: Two) -> jax.Array:
    """Convolution with a 1x1 kernel as a matrix product; of flat arrays, or the gradient's would transpose images."""
    x = x[:, :: stride[0], :: stride[1]]
    return (x.reshape(-1, x.shape[-1]) @ kernel[0, 0]).reshape(*x.shape[:3], kernel.shape[-1])


def patches_conv(x: jax.Array, kernel: jax.Array, stride: Two, pads: Pads) -> jax.Array:
    """Convolution as one matrix product, with what each place of the window sees; taps that see padding alone are left
    out, which are most where the image is smaller than the filter."""
    window = kernel.shape[:2]
    rows, columns = (
        [tap for tap in range(w) if _sees(tap, n, w, s, pad)]
        for n, w, s, pad in zip(x.shape[1:3], window, stride, pads, strict=True)
    )
    seen = views(x, window, stride, pads, 0)
    patches = jnp.concatenate([seen[row * window[1] + column] for row in rows for column in columns], axis=-1)
    kernel = kernel[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    product = patches.reshape(-1, patches.shape[-1]) @ kernel.reshape(-1, kernel.shape[-1])
    return product.reshape(*patches.shape[:3], -1)


def _sees(tap: int, size: int, window: int, stride: int, pad: Two) -> bool:
    """Whether a tap, along one axis, is over the image at any place of the window."""
    count = (size + sum(pad) - window) // stride + 1
    return any(0 <= place * stride + tap - pad[0] < size for place in range(count))


def grouped_conv(x: jax.Array, kernel: jax.Array, stride: Two, pads: Pads, groups: int) -> jax.Array:
    """Convolution in groups as dense ones, each of as many groups as make `DENSE_CHANNELS` channels."""
    *_, width, features = kernel.shape
    joined = max(1, DENSE_CHANNELS // width)
    parts = []
    for first in range(0, groups, joined):
        last = min(first + joined, groups)
        part = x[..., first * width : last * width]
        dense = dense_kernel(kernel[..., first * features // groups : last * features // groups], last - first)
        form = _on_a_cpu(part.shape, dense.shape, stride, pads, (1, 1), 1)
        parts.append((form or partial(direct_conv, stride=stride, pads=pads))(part, dense))
    return jnp.concatenate(parts, axis=-1)


def dense_kernel(kernel: jax.Array, groups: int) -> jax.Array:
    """The kernel [kh, kw, groups * c, features], zero between groups, for kernel [kh, kw, c, features] in groups."""
    height, width, channels, features = kernel.shape
    blocks = kernel.reshape(height, width, 1, channels, groups, features // groups)
    own = jnp.eye(groups, dtype=kernel.dtype)[:, None, :, None]
    return (blocks * own).reshape(height, width, groups * channels, features)
