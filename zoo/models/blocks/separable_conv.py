"""Depthwise separable convolutions of Xception and NASNet."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.geometry import Padding
from zoo.initializers import LayerInitializer
from zoo.layers import Conv, ModuleFactory


class SeparableConv(nn.Module):
    """A depthwise convolution, then a 1x1 convolution directly after, then the norm or a bias.

    Chollet 2016, arXiv:1610.02357, section 2. Children: `depthwise`, `pointwise`, `bn`.
    """

    features: int
    norm: ModuleFactory | None
    kernel_init: LayerInitializer
    dtype: jnp.dtype
    kernel_size: int = 3
    stride: int = 1
    padding: Padding = 1

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        channels = x.shape[-1]
        conv = partial(Conv, kernel_init=self.kernel_init, dtype=self.dtype)
        depthwise = partial(conv, stride=self.stride, padding=self.padding, groups=channels, use_bias=False)
        x = depthwise(channels, self.kernel_size, name="depthwise")(x)
        x = conv(self.features, 1, use_bias=self.norm is None, name="pointwise")(x)
        return x if self.norm is None else self.norm(train=train, dtype=self.dtype, name="bn")(x)
