"""Depthwise convolution as a sum over taps. XLA has no fast one for a CPU: its own is ten times slower there.

`benchmarks/speed.py --networks mobilenet_v2` compares.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from zoo.geometry import Pads, Pair, pair
from zoo.kernels.linear_transpose import linear_with_transpose
from zoo.kernels.sliding_windows import Tap, overlap_add, tap_slices, taps


@partial(jax.custom_jvp, nondiff_argnums=(2, 3))
def depthwise_conv(x: jax.Array, kernel: jax.Array, stride: Pair, pads: Pads) -> jax.Array:
    """Each channel of x [b, h, w, c] convolved with its own filter of kernel [kh, kw, 1, c].

    Sums are in float32, or in float64 where x is that; the result has the dtype of x.
    """
    return sum_over_taps(x, kernel, stride, pads)


@partial(depthwise_conv.defjvp, symbolic_zeros=True)
def _jvp(stride: Pair, pads: Pads, primals: tuple, tangents: tuple) -> tuple[jax.Array, jax.Array]:
    (x, kernel), (x_tangent, kernel_tangent) = primals, tangents
    y = depthwise_conv(x, kernel, stride, pads)
    tangent = jnp.zeros_like(y)
    if not isinstance(x_tangent, SymbolicZero):
        forward = partial(sum_over_taps, stride=stride, pads=pads)
        transposed = partial(gradient_of_x, size=pair(x.shape[1:3]), stride=stride, pads=pads)
        tangent += linear_with_transpose(forward, transposed, x_tangent, kernel)
    if not isinstance(kernel_tangent, SymbolicZero):
        forward = partial(sum_over_taps_of_kernel, stride=stride, pads=pads)
        transposed = partial(gradient_of_kernel, window=pair(kernel.shape[:2]), stride=stride, pads=pads)
        tangent += linear_with_transpose(forward, transposed, kernel_tangent, x)
    return y, tangent


def sum_over_taps(x: jax.Array, kernel: jax.Array, stride: Pair, pads: Pads) -> jax.Array:
    """The convolution, one tap after the other."""
    window = pair(kernel.shape[:2])
    slices = tap_slices(x, window, stride, pads, 0)
    dtype = accumulation_dtype(x)
    total = sum(values.astype(dtype) * kernel[tap][0] for values, tap in zip(slices, taps(window), strict=True))
    return total.astype(x.dtype)


def sum_over_taps_of_kernel(kernel: jax.Array, x: jax.Array, stride: Pair, pads: Pads) -> jax.Array:
    """`sum_over_taps` with the kernel as the first argument, in which it is linear too."""
    return sum_over_taps(x, kernel, stride, pads)


def gradient_of_x(gradient: jax.Array, kernel: jax.Array, size: Pair, stride: Pair, pads: Pads) -> jax.Array:
    """The transpose of `sum_over_taps` in x; `size` is the (height, width) of x."""

    def weighted(tap: Tap, gradient: jax.Array) -> jax.Array:
        return gradient * kernel[tap][0].astype(accumulation_dtype(kernel))

    total = overlap_add(
        (gradient.astype(accumulation_dtype(kernel)),),
        weighted,
        size=size,
        window=pair(kernel.shape[:2]),
        stride=stride,
        pads=pads,
    )
    return total.astype(gradient.dtype)


def gradient_of_kernel(gradient: jax.Array, x: jax.Array, window: Pair, stride: Pair, pads: Pads) -> jax.Array:
    """The transpose of `sum_over_taps` in the kernel; `window` is the (height, width) of the kernel."""
    dtype = accumulation_dtype(x)
    slices = tap_slices(x, window, stride, pads, 0)
    products = jnp.stack([(values.astype(dtype) * gradient).sum(axis=(0, 1, 2)) for values in slices])
    return products.reshape(*window, 1, -1).astype(gradient.dtype)


def accumulation_dtype(x: jax.Array) -> jnp.dtype:
    """The dtype in which sums are computed: float32, or float64 where x is that."""
    return jnp.promote_types(x.dtype, jnp.float32)
