"""Pooling: pure functions of arrays [batch, height, width, channel]; `zoo.layers` exports them.

Sizes and padding are those of `zoo.geometry`. `one_layer` marks each, so that `zoo.count` shows it as one layer.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from zoo.counting.marks import one_layer
from zoo.errors import ZooError
from zoo.geometry import Padding, Size, explicit_padding, padding_pairs, pair
from zoo.kernels.arguments import as_images, refuse_split, sum_dtype
from zoo.kernels.dilation import dilated_stages, keeps_stride
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
    """Maximum of each window, without its padding. The stride defaults to the window.

    Raises WindowTooLarge, and ZooError for arguments that are no pool.
    """
    x = as_images(x, "max_pool")
    if stages := dilated_stages():
        stages.check_max_pool()
    stride = window if stride is None else stride
    _check_windows(x, window, stride, padding)
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
    """Mean of each window, summed in float32 and rounded to the dtype of x. The stride defaults to the window.

    `count_include_pad` says whether padding counts as zeros in the mean. By default explicit padding does (as in Caffe
    and torch) and "SAME" padding does not (as in TensorFlow). What `ceil_mode` adds at the end never counts.
    Raises WindowTooLarge, and ZooError for arguments that are no pool.
    """
    x = as_images(x, "avg_pool")
    stride = window if stride is None else stride
    if not keeps_stride(stride):
        stride, padding, ceil_mode, count_include_pad = 1, "SAME", False, True
    _check_windows(x, window, stride, padding)
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
    ones = jnp.ones((1, *(n + low + high for n, (low, high) in zip(size, counted, strict=True)), 1), sum_dtype(x))
    rest = [(p[0] - c[0], p[1] - c[1]) for p, c in zip(pads, counted, strict=True)]
    count = window_sum(ones, padding=((0, 0), *rest, (0, 0)))
    total = window_sum(x.astype(sum_dtype(x)), padding=((0, 0), *pads, (0, 0)))
    return (total / count).astype(x.dtype)


def _check_windows(x: jax.Array, window: Size, stride: Size, padding: Padding) -> None:
    """Raises ZooError where a window could lie in the padding alone, or on two devices, over Explicit axes of a mesh.

    Padding has no maximum and no mean. XLA divides the work over all other axes of a mesh.
    """
    refuse_split("a pool", "the height or width of its images", jax.typeof(x).sharding.spec[1:3])
    window, stride = pair(window, "window", least=1), pair(stride, "stride", least=1)
    pads = padding_pairs(pair(x.shape[1:3]), window=window, stride=stride, padding=padding, dilation=(1, 1))
    if any(max(low_and_high) >= w for low_and_high, w in zip(pads, window, strict=True)):
        raise ZooError(f"the padding {padding!r} of a pool is not smaller than its window {window[0]}x{window[1]}")


@one_layer("global_avg_pool")
def global_avg_pool(x: jax.Array) -> jax.Array:
    """Mean over height and width: [b, h, w, c] to [b, c]. Lin et al., arXiv:1312.4400, section 3.2.

    Summed in float32 and rounded to the dtype of x.
    """
    x = as_images(x, "global_avg_pool")
    return x.mean(axis=(1, 2), dtype=sum_dtype(x)).astype(x.dtype)


@one_layer("adaptive_avg_pool")
def adaptive_avg_pool(x: jax.Array, size: Size) -> jax.Array:
    """Mean over evenly spread windows, so that [b, h, w, c] becomes [b, *size, c]: torch's AdaptiveAvgPool2d.

    Repeats values where x is smaller than `size`; returns x where it has that size already. A network with such a pool
    has the same parameter shapes for all image sizes. Summed in float32 and rounded to the dtype of x.
    """
    x = as_images(x, "adaptive_avg_pool")
    target = pair(size, "size", least=1)
    if x.shape[1:3] == target:
        return x
    rows, columns = (_averaging_matrix(n, m, sum_dtype(x)) for n, m in zip(x.shape[1:3], target, strict=True))
    # Else a GPU or TPU would round the factors of the product.
    exact = lax.Precision.HIGHEST
    return jnp.einsum("bhwc,ph,qw->bpqc", x.astype(sum_dtype(x)), rows, columns, precision=exact).astype(x.dtype)


def _averaging_matrix(size: int, target: int, dtype: jnp.dtype) -> jax.Array:
    """[target, size]: row i is the mean over floor(i * size / target) up to ceil((i + 1) * size / target)."""
    position, i = jnp.arange(size), jnp.arange(target)[:, None]
    inside = (position >= i * size // target) & (position < -(-(i + 1) * size // target))
    return (inside / inside.sum(axis=1, keepdims=True)).astype(dtype)
