"""Res2Net and Res2NeXt: the 3x3 convolution of a bottleneck is a row of smaller ones, each of which adds the last."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.errors import ZooError
from zoo.layers import Activation, ModuleFactory, avg_pool
from zoo.models.blocks.residual import last_blocks
from zoo.models.field_types import Ratio
from zoo.models.network import ModelInfo, Paper
from zoo.models.resnet import DEPTHS, ResNet

PAPER = Paper(
    title="Res2Net: A New Multi-scale Backbone Architecture", year=2019, url="https://arxiv.org/abs/1904.01169"
)

SCALE = 4
# Layers, groups, width of a part in conv2_x, parameters, multiply-adds.
TABLE = {
    "res2net50_26w_4s": (50, 1, 26, 25_699_120, 4_255_166_464),
    "res2net101_26w_4s": (101, 1, 26, 45_206_688, 8_066_974_464),
    "res2next50": (50, 8, 32, 24_671_464, 4_172_677_120),
}


class Res2Net(ResNet):
    """Gao et al. 2019: ResNet with a `MultiScaleConv` of `scale` parts in each bottleneck; `groups` are Res2NeXt's."""

    scale: Ratio = SCALE
    zero_init_residual: bool = True

    def spatial_conv(self, conv: ModuleFactory, first: bool) -> ModuleFactory:
        return partial(MultiScaleConv, scale=self.scale, first=first, conv=conv)


class MultiScaleConv(nn.Module):
    """The channels in `scale` parts: a convolution for each but the last, which is passed on (Figure 2b).

    The input of a convolution is its part plus the output of the one before. In the `first` block of a stage nothing
    is added, and the last part is averaged over 3x3. Children: `conv1`, `conv2` and so on.
    """

    features: int
    kernel_size: int
    stride: int
    padding: int
    groups: int
    act: Activation
    scale: int
    first: bool
    conv: ModuleFactory

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        if x.shape[-1] % self.scale:
            raise ZooError(f"{x.shape[-1]} channels cannot be divided into scale={self.scale} parts of the same width")
        *parts, passed = jnp.split(x, self.scale, axis=-1)
        outputs: list[jax.Array] = []
        for i, part in enumerate(parts, start=1):
            conv = partial(self.conv, padding=self.padding, groups=self.groups, act=self.act, name=f"conv{i}")
            y = part if self.first or not outputs else part + outputs[-1]
            outputs.append(conv(part.shape[-1], self.kernel_size, self.stride)(y, train))
        if self.first:
            passed = avg_pool(passed, 3, self.stride, padding=1)
        return jnp.concatenate([*outputs, passed], axis=-1)


def _entry(name: str) -> ModelInfo:
    depth, groups, part_width, parameters, macs = TABLE[name]
    return ModelInfo(
        name=name,
        build=partial(Res2Net, depths=DEPTHS[depth], groups=groups, group_width=SCALE * part_width // groups),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        stages=last_blocks(DEPTHS[depth]),
    )


ENTRIES = tuple(map(_entry, TABLE))
