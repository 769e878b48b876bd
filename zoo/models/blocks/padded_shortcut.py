"""A shortcut between different shapes that has no parameters."""

import jax
import jax.numpy as jnp

from zoo.layers import max_pool


def padded_shortcut(x: jax.Array, features: int, stride: int) -> jax.Array:
    """Every position at multiples of `stride`, with zeros as further channels: [b, h, w, c] to [b, h', w', features].

    He et al. 2015 (arXiv:1512.03385), section 3.3, option A. `features` is at least c.
    """
    x = max_pool(x, 1, stride) if stride > 1 else x
    return jnp.pad(x, ((0, 0), (0, 0), (0, 0), (0, features - x.shape[-1])))
