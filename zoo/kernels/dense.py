"""A linear layer."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from zoo.initializers import LayerInitializer, for_layer, lecun_truncated_normal, parameter, zeros
from zoo.kernels.broadcast import add_broadcast


class Dense(nn.Module):
    """`nn.Dense`, but the gradient of its bias is summed in float32.

    Parameters: `kernel` [channels, features] and `bias` [features].
    """

    features: int
    kernel_init: LayerInitializer = lecun_truncated_normal
    bias_init: LayerInitializer = zeros
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """x [..., channels] to [..., features], of type `dtype`."""
        shape = (x.shape[-1], self.features)
        kernel = parameter(self, "kernel", for_layer(self.kernel_init, shape), shape)
        bias = parameter(self, "bias", for_layer(self.bias_init, shape), (self.features,))
        x, kernel, bias = nn.dtypes.promote_dtype(x, kernel, bias, dtype=self.dtype)
        return add_broadcast(lax.dot_general(x, kernel, (((x.ndim - 1,), (0,)), ((), ()))), bias)
