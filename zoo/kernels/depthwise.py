"""Depthwise convolution as sums over taps: XLA has no fast one for a CPU, where its own is ten times slower.

`benchmarks/speed.py --networks mobilenet_v2` compares.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from zoo.geometry import Pads
from zoo.kernels.linear_transpose import linear
from zoo.kernels.sliding_windows import Tap, Two, gathered, taps, views


@partial(jax.custom_jvp, nondiff_argnums=(2, 3))
def depthwise_conv(x: jax.Array, kernel: jax.Array, stride: Two, pads: Pads) -> jax.Array:
    """Each channel of x [b, h, w, c] with its own filter of kernel [kh, kw, 1, c]; sums are float32 at least."""
    return sums(x, kernel, stride, pads)


@partial(depthwise_conv.defjvp, symbolic_zeros=True)
def _jvp(stride: Two, pads: Pads, primals: tuple, tangents: tuple) -> tuple[jax.Array, jax.Array]:
    (x, kernel), (of_x, of_kernel) = primals, tangents
    y = depthwise_conv(x, kernel, stride, pads)
    tangent = jnp.zeros_like(y)
    if not isinstance(of_x, SymbolicZero):
        back = partial(gradient_of_x, size=x.shape[1:3], stride=stride, pads=pads)
        tangent += linear(partial(sums, stride=stride, pads=pads), back, of_x, kernel)
    if not isinstance(of_kernel, SymbolicZero):
        back = partial(gradient_of_kernel, window=kernel.shape[:2], stride=stride, pads=pads)
        tangent += linear(partial(sums_of_kernel, stride=stride, pads=pads), back, of_kernel, x)
    return y, tangent


def sums(x: jax.Array, kernel: jax.Array, stride: Two, pads: Pads) -> jax.Array:
    """The convolution, a tap at a time."""
    seen = views(x, kernel.shape[:2], stride, pads, 0)
    total = sum(view.astype(wide(x)) * kernel[tap][0] for view, tap in zip(seen, taps(kernel.shape[:2]), strict=True))
    return total.astype(x.dtype)


def sums_of_kernel(kernel: jax.Array, x: jax.Array, stride: Two, pads: Pads) -> jax.Array:
    """The same, as a function of the kernel."""
    return sums(x, kernel, stride, pads)


def gradient_of_x(gradient: jax.Array, kernel: jax.Array, size: Two, stride: Two, pads: Pads) -> jax.Array:
    """The transpose of `sums` along x, whose images are of that size."""

    def weighted(tap: Tap, gradient: jax.Array) -> jax.Array:
        return gradient * kernel[tap][0].astype(wide(kernel))

    total = gathered((gradient.astype(wide(kernel)),), weighted, size, kernel.shape[:2], stride, pads)
    return total.astype(gradient.dtype)


def gradient_of_kernel(gradient: jax.Array, x: jax.Array, window: Two, stride: Two, pads: Pads) -> jax.Array:
    """The transpose of `sums` along the kernel, whose window is of that size."""
    seen = views(x, window, stride, pads, 0)
    products = jnp.stack([(view.astype(wide(x)) * gradient).sum(axis=(0, 1, 2)) for view in seen])
    return products.reshape(*window, 1, -1).astype(gradient.dtype)


def wide(x: jax.Array) -> jnp.dtype:
    """float32, or float64 where x is that: what sums are computed in."""
    return jnp.promote_types(x.dtype, jnp.float32)
