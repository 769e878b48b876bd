"""Every number about a network: parameters, output shapes, multiply-adds, receptive fields."""

from typing import Any

import jax


def parameters(params: Any) -> int:
    """Number of values in a parameter pytree (arrays or `jax.ShapeDtypeStruct`s)."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))
