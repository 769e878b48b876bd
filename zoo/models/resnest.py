"""ResNeSt: the 3x3 convolution of a bottleneck is split in two, and attention sums the parts."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.kernels.dilation import keeps_stride
from zoo.layers import Activation, ModuleFactory, avg_pool
from zoo.models.blocks.branch_attention import BranchAttention
from zoo.models.blocks.residual import Shortcut, last_blocks
from zoo.models.network import ModelInfo, Paper
from zoo.models.resnet import DEPTHS, ResNet

PAPER = Paper(title="ResNeSt: Split-Attention Networks", year=2020, url="https://arxiv.org/abs/2004.08955")

RADIX = 2  # the splits of a cardinal group
SQUEEZE_RATIO, LEAST_SQUEEZED = 4, 32

# Blocks per stage, width of the stem, image size, parameters, multiply-adds.
TABLE = {
    "resnest14d": ((1, 1, 1, 1), 64, 224, 10_611_688, 2_749_405_184),
    "resnest26d": ((2, 2, 2, 2), 64, 224, 17_069_448, 3_623_391_232),
    "resnest50d": (DEPTHS[50], 64, 224, 27_483_240, 5_371_160_576),
    "resnest101e": (DEPTHS[101], 128, 256, 48_275_016, 13_321_472_000),
}


class ResNeSt(ResNet):
    """Zhang et al. 2020: ResNet-D with a `SplitAttention` in each bottleneck; `groups` are its cardinal groups."""

    deep_stem: bool = True
    shortcut: Shortcut = "pooling"
    zero_init_residual: bool = True

    def spatial_conv(self, conv: ModuleFactory, first: bool) -> ModuleFactory:
        return partial(SplitAttention, conv=conv)


class SplitAttention(nn.Module):
    """A convolution to `RADIX` times `features` channels, and the sum of these splits by attention (section 3.1).

    Where the stride is not 1, a 3x3 average pool after it has the stride (section 4.1). Children: `conv`, `attention`.
    """

    features: int
    kernel_size: int
    stride: int
    padding: int
    groups: int
    act: Activation
    conv: ModuleFactory

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        groups = self.groups * RADIX
        conv = partial(self.conv, padding=self.padding, groups=groups, act=self.act, name="conv")
        splits = jnp.split(conv(RADIX * self.features, self.kernel_size)(x, train), RADIX, axis=-1)
        squeezed = max(RADIX * self.features // SQUEEZE_RATIO, LEAST_SQUEEZED)
        attention = BranchAttention(squeezed, self.conv, self.groups, use_bias=True, name="attention")
        x = attention(splits, train)
        # Timm's dilated blocks have no pool.
        return avg_pool(x, 3, self.stride, padding=1) if keeps_stride(self.stride) and self.stride > 1 else x


def _entry(name: str) -> ModelInfo:
    depths, stem_width, size, parameters, macs = TABLE[name]
    return ModelInfo(
        name=name,
        build=partial(ResNeSt, depths=depths, stem_width=stem_width, image_shape=(size, size, 3)),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        stages=("conv1_3", *last_blocks(depths)[1:]),
        input_size=size,
    )


ENTRIES = tuple(map(_entry, TABLE))
