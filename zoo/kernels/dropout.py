"""Dropout on every mesh: Flax's does not take an array that is split over Explicit axes.

Srivastava et al., Journal of Machine Learning Research 15 (2014).
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax


class Dropout(nn.Dropout):
    """`nn.Dropout`: the same fields, the same random numbers."""

    @nn.compact
    def __call__(self, inputs: jax.Array, deterministic: bool | None = None, rng: jax.Array | None = None) -> jax.Array:
        """Set elements of `inputs` to zero with probability `rate`, and scale the others by 1 / (1 - rate)."""
        deterministic = nn.merge_param("deterministic", self.deterministic, deterministic)
        if deterministic or self.rate == 0:
            return inputs
        if self.rate == 1:
            return jnp.zeros_like(inputs)
        shape = list(inputs.shape)
        for axis in self.broadcast_dims:
            shape[axis] = 1
        key = self.make_rng(self.rng_collection) if rng is None else rng
        kept = jnp.broadcast_to(jax.random.bernoulli(key, 1 - self.rate, shape), inputs.shape)
        sharding = jax.typeof(inputs).sharding
        if any(sharding.spec):
            kept = jax.sharding.reshard(kept, sharding)
        return lax.select(kept, inputs / (1 - self.rate), jnp.zeros_like(inputs))
