"""A random key for traces of which only the shapes are used: draws are zeros, and quick to trace."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.random import define_prng_impl

KEY_WORDS = 2  # as in a threefry key
SHAPES_ONLY = define_prng_impl(
    key_shape=(KEY_WORDS,),
    seed=lambda _: jnp.zeros(KEY_WORDS, jnp.uint32),
    split=lambda key, shape: jnp.broadcast_to(key, (*shape, KEY_WORDS)),
    random_bits=lambda _, bits, shape: jnp.zeros(shape, f"uint{bits}"),
    fold_in=lambda key, _: key,
    name="shapes_only",
    tag="shapes",
)


def shape_key() -> Any:
    """The shape and type of a key that draws zeros, for `jax.eval_shape`."""
    return jax.eval_shape(lambda: jax.random.key(0, impl=SHAPES_ONLY))


def is_shape_key(key: Any) -> bool:
    """Whether it is a key of `shape_key`, whose draws nobody uses. Takes whatever a caller has given as a key."""
    is_key = isinstance(key, jax.Array) and jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    return is_key and bool(jax.random.key_impl(key) == SHAPES_ONLY)
