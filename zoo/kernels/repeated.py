"""Sums and products with an array that is repeated, over positions or images, as a bias or a gate is.

The gradient of such an array is a sum over all its uses. JAX adds in the type of the values: in bfloat16, which has 8
bits, a sum of ones ends at 256 and more. Here the sum is in float32; XLA compiles the conversions into it.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from zoo.kernels.arguments import sum_dtype


def add_repeated(x: jax.Array, repeated: jax.Array) -> jax.Array:
    """x + repeated, which broadcasts to the shape of x."""
    return _in_float32(jnp.add, x, repeated)


def multiply_repeated(x: jax.Array, repeated: jax.Array) -> jax.Array:
    """x * repeated, which broadcasts to the shape of x."""
    return _in_float32(jnp.multiply, x, repeated)


def _in_float32(function: Callable[..., jax.Array], x: jax.Array, repeated: jax.Array) -> jax.Array:
    """The function in float32, or wider, rounded to the dtype that it has of x and `repeated`."""
    result = function(x.astype(sum_dtype(x)), repeated.astype(sum_dtype(repeated)))
    return result.astype(jnp.promote_types(x.dtype, repeated.dtype))
