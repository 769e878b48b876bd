"""Pools: pure functions of arrays [batch, height, width, channel]; sizes and padding are those of `zoo.geometry`."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from zoo.geometry import Padding, Size, explicit_padding, padding_pairs, pair
from zoo.kernels import max_pool as max_pooling


@jax.named_scope("max_pool")
def max_pool(
    x: jax.Array,
    window: Size,
    stride: Size | None = None,
    padding: Padding = 0,
    *,
    ceil_mode: bool = False,
) -> jax.Array:
    """Largest value of each window; padding never wins. The stride defaults to the window."""
    stride = window if stride is None else stride
    pads = explicit_padding(x.shape[1:3], window, stride, padding, ceil_mode=ceil_mode)
    return max_pooling.max_pool(x, pair(window), pair(stride), pads)


@jax.named_scope("avg_pool")
def avg_pool(
    x: jax.Array,
    window: Size,
    stride: Size | None = None,
    padding: Padding = 0,
    *,
    ceil_mode: bool = False,
    count_include_pad: bool | None = None,
) -> jax.Array:
    """Mean of each window. The stride defaults to the window.

    Explicit padding counts as zeros in the mean (Caffe, torch) and "SAME" padding does not count (TensorFlow),
    unless `count_include_pad` says otherwise; what `ceil_mode` adds at the end never counts.
    """
    stride = window if stride is None else stride
    if count_include_pad is None:
        count_include_pad = padding != "SAME"
    size = x.shape[1:3]
    pads = explicit_padding(size, window, stride, padding, ceil_mode=ceil_mode)
    total = partial(
        lax.reduce_window,
        init_value=0.0,
        computation=lax.add,
        window_dimensions=(1, *pair(window), 1),
        window_strides=(1, *pair(stride), 1),
    )
    counted = padding_pairs(size, pair(window), pair(stride), padding if count_include_pad else "VALID", (1, 1))
    ones = jnp.ones((1, *(n + low + high for n, (low, high) in zip(size, counted, strict=True)), 1), x.dtype)
    rest = [(p[0] - c[0], p[1] - c[1]) for p, c in zip(pads, counted, strict=True)]
    count = total(ones, padding=((0, 0), *rest, (0, 0)))
    return total(x, padding=((0, 0), *pads, (0, 0))) / count


@jax.named_scope("global_avg_pool")
def global_avg_pool(x: jax.Array) -> jax.Array:
    """[b, h, w, c] to [b, c]."""
    return x.mean(axis=(1, 2))


@jax.named_scope("adaptive_avg_pool")
def adaptive_avg_pool(x: jax.Array, size: Size) -> jax.Array:
    """Mean over `size` evenly spread windows, torch's AdaptiveAvgPool2d: repeats values where x is the smaller.

    The identity where x has that size already, so a network with it has one parameter tree for all images.
    """
    rows, columns = (_averaging_matrix(n, m, x.dtype) for n, m in zip(x.shape[1:3], pair(size), strict=True))
    if x.shape[1:3] == pair(size):
        return x
    return jnp.einsum("bhwc,ph,qw->bpqc", x, rows, columns)


def _averaging_matrix(size: int, target: int, dtype) -> jax.Array:
    """[target, size]: row i is the mean over floor(i * size / target) up to ceil((i + 1) * size / target)."""
    place, i = jnp.arange(size), jnp.arange(target)[:, None]
    inside = (place >= i * size // target) & (place < -(-(i + 1) * size // target))
    return (inside / inside.sum(axis=1, keepdims=True)).astype(dtype)
