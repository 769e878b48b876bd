"""Depthwise convolution as a sum over taps. XLA has no fast one for a CPU: its own is ten times slower there.

`benchmarks/speed.py --networks mobilenet_v2` compares.
"""

import operator
from functools import partial, reduce

import jax
import jax.numpy as jnp
from jax import lax

from zoo.geometry import Pads, Pair, pair
from zoo.kernels.product_rule import product_rule
from zoo.kernels.sliding_windows import Tap, sum_for_fast_transpose, tap_slices, taps


@partial(jax.custom_jvp, nondiff_argnums=(2, 3))
def depthwise_conv(x: jax.Array, kernel: jax.Array, stride: Pair, pads: Pads) -> jax.Array:
    """Each channel of x [b, h, w, c] convolved with its own filter of kernel [kh, kw, 1, c].

    Sums are in float32, or in float64 where x is that; the result has the dtype of x.
    """
    return sum_over_taps(x, kernel, stride, pads)


@partial(depthwise_conv.defjvp, symbolic_zeros=True)
def _jvp(stride: Pair, pads: Pads, primals: tuple, tangents: tuple) -> tuple[jax.Array, jax.Array]:
    (x, kernel), (x_tangent, kernel_tangent) = primals, tangents
    # The checkpoints keep x for the backward pass, instead of one slice of it for each tap.
    along_x = jax.checkpoint(partial(sum_with_fast_transpose, stride=stride, pads=pads), prevent_cse=False)
    along_kernel = jax.checkpoint(partial(sum_over_taps, stride=stride, pads=pads), prevent_cse=False)
    tangent = product_rule(
        (lambda tangent: along_x(tangent, kernel), x_tangent),
        (lambda tangent: along_kernel(x, tangent), kernel_tangent),
    )
    return depthwise_conv(x, kernel, stride, pads), tangent


# Outside of jit, one program for each geometry; inlined elsewhere.
@partial(jax.jit, static_argnames=("stride", "pads"), inline=True)
def sum_over_taps(x: jax.Array, kernel: jax.Array, stride: Pair, pads: Pads) -> jax.Array:
    """The convolution, one tap after the other."""
    dtype = accumulation_dtype(x)
    slices = tap_slices(x, pair(kernel.shape[:2]), stride, pads, 0)
    products = (values.astype(dtype) * weight for values, weight in zip(slices, _weights(kernel, dtype), strict=True))
    return reduce(operator.add, products).astype(x.dtype)


def sum_with_fast_transpose(x: jax.Array, kernel: jax.Array, stride: Pair, pads: Pads) -> jax.Array:
    """The same sum in the form whose transpose in x is fast."""
    dtype, window = accumulation_dtype(x), pair(kernel.shape[:2])
    weights = dict(zip(taps(window), _weights(kernel, dtype), strict=True))

    def weighted(tap: Tap, values: jax.Array) -> jax.Array:
        return values * weights[tap]

    return sum_for_fast_transpose(x.astype(dtype), weighted, window=window, stride=stride, pads=pads).astype(x.dtype)


def _weights(kernel: jax.Array, dtype: jnp.dtype) -> list[jax.Array]:
    """The filters [c] of each tap. The transpose of a split is one concatenation."""
    flat = kernel.astype(dtype).reshape(-1, kernel.shape[-1])
    return [weight[0] for weight in lax.split(flat, (1,) * len(flat))]


def accumulation_dtype(x: jax.Array) -> jnp.dtype:
    """The dtype in which sums are computed: float32, or float64 where x is that."""
    return jnp.promote_types(x.dtype, jnp.float32)
