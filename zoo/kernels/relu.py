"""ReLU whose backward pass reads its output, where the next layer keeps that anyway."""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax


def keeping_output(act: Callable[[jax.Array], jax.Array]) -> Callable[[jax.Array], jax.Array]:
    """The activation; of `nn.relu` a form whose backward pass needs the output instead of the input.

    The gradient is that of `nn.relu`, but for NaN. It is for ReLU of a sum, or of a convolution without a norm: the
    next convolution keeps the output for its own backward pass, so the input is neither kept beside it nor computed
    again from the terms of the sum. Behind a batch norm, whose own backward pass reads its input, it would read more.
    """
    return relu if act is nn.relu else act


@jax.custom_jvp
@jax.jit
def relu(x: jax.Array) -> jax.Array:
    """max(x, 0)."""
    return jnp.maximum(x, 0)


# Not > 0: XLA would make x > 0 of max(x, 0) > 0, and need x.
relu.defjvps(lambda tangent, output, x: lax.select(output != 0, tangent, jnp.zeros_like(tangent)))
