"""SKNet, on ResNet and ResNeXt: two paths with windows of two sizes, between which attention selects."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.layers import Activation, ModuleFactory
from zoo.models.blocks.branch_attention import BranchAttention
from zoo.models.blocks.residual import last_blocks
from zoo.models.field_types import Width
from zoo.models.network import ModelInfo, Paper
from zoo.models.resnet import DEPTHS, ResNet

PAPER = Paper(title="Selective Kernel Networks", year=2019, url="https://arxiv.org/abs/1903.06586")

DILATIONS = (1, 2)  # of the 3x3 windows: the second path sees 5x5 (section 3.1)

# Layers, groups, width of a group in conv2_x, parameters, multiply-adds.
TABLE = {
    "skresnet18": (18, 1, 64, 11_958_056, 1_814_337_536),
    "skresnet34": (34, 1, 64, 22_282_376, 3_664_237_568),
    "skresnet50": (50, 1, 64, 25_803_160, 4_089_422_336),
    "skresnext50_32x4d": (50, 32, 4, 27_479_784, 4_462_710_784),
}


class SKResNet(ResNet):
    """Li et al. 2019: ResNet with a `SelectiveKernel` for the first 3x3 convolution of each block.

    Its attention has `squeeze_ratio` times fewer channels, and at least `least_squeezed`. With `split_input` (timm's)
    each path sees its share of the channels; without, all, as in the paper.
    """

    least_squeezed: Width = 32
    split_input: bool = False

    def spatial_conv(self, conv: ModuleFactory, first: bool) -> ModuleFactory:
        return partial(
            SelectiveKernel,
            squeeze_ratio=self.squeeze_ratio,
            least_squeezed=self.least_squeezed,
            split_input=self.split_input,
            conv=conv,
        )


class SelectiveKernel(nn.Module):
    """Two dilated convolutions, and their sum by attention (section 3.1). Children: `path1`, `path2`, `attention`."""

    features: int
    kernel_size: int
    stride: int
    padding: int
    groups: int
    act: Activation
    squeeze_ratio: int
    least_squeezed: int
    split_input: bool
    conv: ModuleFactory

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        inputs = jnp.split(x, len(DILATIONS), axis=-1) if self.split_input else (x,) * len(DILATIONS)
        paths = []
        for i, (x, dilation) in enumerate(zip(inputs, DILATIONS, strict=True), start=1):
            path = self.conv(
                self.features,
                self.kernel_size,
                self.stride,
                padding=dilation * self.padding,
                dilation=dilation,
                groups=self.groups,
                act=self.act,
                name=f"path{i}",
            )
            paths.append(path(x, train))
        squeezed = max(self.features // self.squeeze_ratio, self.least_squeezed)
        return BranchAttention(squeezed, self.conv, name="attention")(paths, train)


def _entry(name: str) -> ModelInfo:
    depth, groups, group_width, parameters, macs = TABLE[name]
    build = partial(SKResNet, depths=DEPTHS[depth], bottleneck=depth >= 50, groups=groups, group_width=group_width)
    if groups == 1:
        ratio, least = (16, 8) if depth >= 50 else (8, 16)
        build = partial(build, split_input=True, squeeze_ratio=ratio, least_squeezed=least)
    return ModelInfo(
        name=name,
        build=build,
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        stages=last_blocks(DEPTHS[depth]),
        interpolation="bicubic",
        differs="timm's: each path sees half of the channels" if groups == 1 else "",
    )


ENTRIES = tuple(map(_entry, TABLE))
