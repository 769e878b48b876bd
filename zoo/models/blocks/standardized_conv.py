"""Convolutions with standardized weights, of networks without batch norm."""

import math

import jax
import jax.numpy as jnp

from zoo.initializers import Initializer, ones
from zoo.layers import Conv


class StandardizedConv(Conv):
    """A convolution whose kernel has the mean 0 and the variance 1 for each output.

    Qiao et al. 2019, arXiv:1903.10520. `epsilon` is added to the variance.
    """

    use_bias: bool = False
    epsilon: float = 1e-8

    def used_kernel(self, kernel: jax.Array) -> jax.Array:
        axes = tuple(range(kernel.ndim - 1))
        centred = kernel - kernel.mean(axes)
        return centred * jax.lax.rsqrt((centred * centred).mean(axes) + self.epsilon)


class ScaledStandardizedConv(StandardizedConv):
    """A standardized convolution that keeps the variance of its input, times `scale`^2; each output has a `gain`.

    Brock et al. 2021, arXiv:2101.08692, section 4.1. `scale` is the gain of the activation before it, and `gain_init`
    makes the parameter [features].
    """

    use_bias: bool = True
    epsilon: float = 1e-5
    scale: float = 1.0
    gain_init: Initializer = ones

    def used_kernel(self, kernel: jax.Array) -> jax.Array:
        gain = self.param("gain", self.gain_init, kernel.shape[-1:], jnp.float32)
        return super().used_kernel(kernel) * (gain * self.scale / math.sqrt(math.prod(kernel.shape[:-1])))
