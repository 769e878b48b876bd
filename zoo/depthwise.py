"""Depthwise convolution as sums over taps: XLA has no fast one for a CPU, where its own is ten times slower.

`benchmarks/speed.py --networks mobilenet_v2` compares.
"""

from functools import partial

import jax
import jax.numpy as jnp

from zoo.geometry import Pads
from zoo.windows import Tap, Two, gathered, taps, views


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def depthwise_conv(x: jax.Array, kernel: jax.Array, stride: Two, pads: Pads) -> jax.Array:
    """Each channel of x [b, h, w, c] with its own filter of kernel [kh, kw, 1, c]; sums are float32 at least."""
    wide = jnp.promote_types(x.dtype, jnp.float32)
    seen = views(x, kernel.shape[:2], stride, pads, 0)
    total = sum(view.astype(wide) * kernel[tap][0] for view, tap in zip(seen, taps(kernel.shape[:2]), strict=True))
    return total.astype(x.dtype)


def _forward(x: jax.Array, kernel: jax.Array, stride: Two, pads: Pads) -> tuple[jax.Array, tuple]:
    return depthwise_conv(x, kernel, stride, pads), (x, kernel)


def _backward(stride: Two, pads: Pads, saved: tuple, gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    x, kernel = saved
    wide = jnp.promote_types(x.dtype, jnp.float32)
    window = kernel.shape[:2]

    def weighted(tap: Tap, gradient: jax.Array) -> jax.Array:
        return gradient * kernel[tap][0].astype(wide)

    of_x = gathered((gradient.astype(wide),), weighted, x.shape[1:3], window, stride, pads).astype(x.dtype)
    seen = views(x, window, stride, pads, 0)
    of_kernel = jnp.stack([(view.astype(wide) * gradient).sum(axis=(0, 1, 2)) for view in seen])
    return of_x, of_kernel.reshape(kernel.shape).astype(kernel.dtype)


depthwise_conv.defvjp(_forward, _backward)
