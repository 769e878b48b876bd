"""Pooling: pure functions of arrays [batch, height, width, channel]; `zoo.layers` exports them.

Sizes and padding are those of `zoo.geometry`. `one_layer` marks each, so that `zoo.count` shows it as one layer.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from zoo.counting.marks import one_layer
from zoo.geometry import Padding, Size, explicit_padding, padding_pairs, pair
from zoo.kernels.max_pool import sliding_max


@one_layer("max_pool")
def max_pool(
    x: jax.Array,
    window: Size,
    stride: Size | None = None,
    padding: Padding = 0,
    *,
    ceil_mode: bool = False,
) -> jax.Array:
    """Maximum of each window, without its padding. The stride defaults to the window. Raises WindowTooLarge."""
    stride = window if stride is None else stride
    pads = explicit_padding(pair(x.shape[1:3]), window, stride=stride, padding=padding, ceil_mode=ceil_mode)
    return sliding_max(x, pair(window), pair(stride), pads)


@one_layer("avg_pool")
def avg_pool(
    x: jax.Array,
    window: Size,
    stride: Size | None = None,
    padding: Padding = 0,
    *,
    ceil_mode: bool = False,
    count_include_pad: bool | None = None,
) -> jax.Array:
    """Mean of each window. The stride defaults to the window. Raises WindowTooLarge.

    `count_include_pad` says whether padding counts as zeros in the mean. By default explicit padding does (as in Caffe
    and torch) and "SAME" padding does not (as in TensorFlow). What `ceil_mode` adds at the end never counts.
    """
    stride = window if stride is None else stride
    if count_include_pad is None:
        count_include_pad = padding != "SAME"
    size = pair(x.shape[1:3])
    pads = explicit_padding(size, window, stride=stride, padding=padding, ceil_mode=ceil_mode)
    window_sum = partial(
        lax.reduce_window,
        init_value=0.0,
        computation=lax.add,
        window_dimensions=(1, *pair(window), 1),
        window_strides=(1, *pair(stride), 1),
    )
    counted = padding_pairs(
        size,
        window=pair(window),
        stride=pair(stride),
        padding=padding if count_include_pad else "VALID",
        dilation=(1, 1),
    )
    ones = jnp.ones((1, *(n + low + high for n, (low, high) in zip(size, counted, strict=True)), 1), x.dtype)
    rest = [(p[0] - c[0], p[1] - c[1]) for p, c in zip(pads, counted, strict=True)]
    count = window_sum(ones, padding=((0, 0), *rest, (0, 0)))
    return window_sum(x, padding=((0, 0), *pads, (0, 0))) / count


@one_layer("global_avg_pool")
def global_avg_pool(x: jax.Array) -> jax.Array:
    """Mean over height and width: [b, h, w, c] to [b, c]. Lin et al., arXiv:1312.4400, section 3.2."""
    return x.mean(axis=(1, 2))


@one_layer("adaptive_avg_pool")
def adaptive_avg_pool(x: jax.Array, size: Size) -> jax.Array:
    """Mean over evenly spread windows, so that [b, h, w, c] becomes [b, *size, c]: torch's AdaptiveAvgPool2d.

    Repeats values where x is smaller than `size`; returns x where it has that size already. A network with such a pool
    has the same parameter shapes for all image sizes.
    """
    rows, columns = (_averaging_matrix(n, m, x.dtype) for n, m in zip(x.shape[1:3], pair(size), strict=True))
    if x.shape[1:3] == pair(size):
        return x
    return jnp.einsum("bhwc,ph,qw->bpqc", x, rows, columns)


def _averaging_matrix(size: int, target: int, dtype: jnp.dtype) -> jax.Array:
    """[target, size]: row i is the mean over floor(i * size / target) up to ceil((i + 1) * size / target)."""
    position, i = jnp.arange(size), jnp.arange(target)[:, None]
    inside = (position >= i * size // target) & (position < -(-(i + 1) * size // target))
    return (inside / inside.sum(axis=1, keepdims=True)).astype(dtype)
