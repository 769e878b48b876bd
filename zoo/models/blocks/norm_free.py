"""The block of NFNet and NF-ResNet: scales that keep the variance, where other networks have batch norm.

Brock et al. 2021, arXiv:2101.08692 and arXiv:2102.06171.
"""

import math
from collections.abc import Iterator
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.geometry import Padding
from zoo.initializers import ones, zeros
from zoo.layers import Activation, ModuleFactory, avg_pool, stochastic_depth
from zoo.models.blocks.residual import BlockSettings

ALPHA = 0.2  # the scale of the branches (section 2 of the second paper)
ATTENTION_GAIN = 2.0  # the gates are a half on average


def scaled(x: jax.Array, act: Activation, gain: float) -> jax.Array:
    """An activation that keeps the variance."""
    return act(x) * gain


def expected_deviations(depths: tuple[int, ...]) -> Iterator[float]:
    """The deviation of the input of each block (section 2 of the second paper).

    Each branch adds ALPHA^2 to the variance. The first block of a stage has no identity: its output begins with 1.
    """
    variance = 1.0
    for depth in depths:
        for i in range(depth):
            yield math.sqrt(variance)
            variance = (variance if i else 1.0) + ALPHA**2


class NormFreeBlock(nn.Module):
    """shortcut + ALPHA * branch, both of the activated input, which is divided by its expected `deviation` first.

    Children: `conv1`, `conv2`, `conv2b`, `conv3`, the attention, `downsample` where the shape changes; the parameter
    `skip_gain`.
    """

    settings: BlockSettings
    deviation: float
    bottleneck: float
    group_width: int | None
    extra_conv: bool
    skip_init: bool
    padding: Padding
    conv: ModuleFactory
    act: Activation
    attention: ModuleFactory | None

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        features, stride = self.settings.width, self.settings.stride
        width = int(self.bottleneck * features)
        groups = width // self.group_width if self.group_width else 1
        conv_3x3 = partial(self.conv, width, 3, padding=self.padding, groups=groups)
        activated = self.act(x) / self.deviation
        y = self.conv(width, 1, name="conv1")(activated)
        y = conv_3x3(stride=stride, name="conv2")(self.act(y))
        if self.extra_conv:
            y = conv_3x3(name="conv2b")(self.act(y))
        y = self.conv(features, 1, gain_init=ones if self.skip_init else zeros, name="conv3")(self.act(y))
        if self.attention is not None:
            y = ATTENTION_GAIN * self.attention()(y)
        y = stochastic_depth(self.settings.drop_rate, train=train)(y)
        if self.skip_init:
            y *= self.param("skip_gain", zeros, (), jnp.float32).astype(y.dtype)
        if stride > 1 or x.shape[-1] != features:
            x = avg_pool(activated, 2, stride, ceil_mode=True) if stride > 1 else activated
            x = self.conv(features, 1, name="downsample")(x)
        return x + ALPHA * y
