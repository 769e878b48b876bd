"""Sums and products with an array that is broadcast over positions or images, as a bias or a gate is.

The gradient of such an array is a sum over all its uses. JAX adds in the type of the values: in bfloat16, which has 8
bits, a sum of ones ends at 256 and more. Here the sum is in float32; XLA compiles the conversions into it.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from zoo.kernels.arguments import sum_dtype


def add_broadcast(x: jax.Array, other: jax.Array) -> jax.Array:
    """x + other, which broadcasts to the shape of x."""
    return _in_float32(jnp.add, x, other)


def multiply_broadcast(x: jax.Array, other: jax.Array) -> jax.Array:
    """x * other, which broadcasts to the shape of x."""
    return _in_float32(jnp.multiply, x, other)


def _in_float32(function: Callable[..., jax.Array], x: jax.Array, other: jax.Array) -> jax.Array:
    """The function in float32, or wider, rounded to the dtype that it has of x and `other`."""
    result = function(x.astype(sum_dtype(x)), other.astype(sum_dtype(other)))
    return result.astype(jnp.promote_types(x.dtype, other.dtype))
