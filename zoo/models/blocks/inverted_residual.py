"""The inverted residual blocks of MobileNet, MnasNet, EfficientNet and RegNetZ, and the rows of their tables."""

from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax

from zoo.geometry import Padding
from zoo.layers import ModuleFactory, stochastic_depth


class StageSettings(NamedTuple):
    """A row of the papers' tables: `depth` blocks with `features` output channels; the first block has the stride.

    Each block expands its input channels by the factor `expansion`. `fused` is for EfficientNetV2: the blocks are
    `FusedMBConv`. `shortcut=False` is for the first stage of EfficientNet-EdgeTPU, whose blocks expand to a multiple of
    their output channels.
    """

    kernel: int
    expansion: int
    features: int
    depth: int
    stride: int
    fused: bool = False
    shortcut: bool = True


class InvertedResidual(nn.Module):
    """1x1 expansion, depthwise convolution, 1x1 projection without activation; plus the input if the shapes agree.

    MobileNetV2: Sandler et al., arXiv:1801.04381, Figure 4(d). With `squeeze_excite`, a factory of the module before
    the projection, it is the block of MobileNetV3 and the MBConv of MnasNet and EfficientNet. No expansion layer if
    `expanded` is the number of input channels, unless `always_expand`. Default padding: symmetric. `drop_rate` is that
    of stochastic depth. RegNetZ has groups of `group_width` channels in the convolution `depthwise`, and `project`
    makes its last one. Children: `expand`, `depthwise`, `se`, `project`, `stochastic_depth`.
    """

    expanded: int
    features: int
    kernel_size: int
    stride: int
    conv: ModuleFactory
    squeeze_excite: ModuleFactory | None = None
    always_expand: bool = False
    padding: Padding | None = None
    drop_rate: float | None = None
    group_width: int = 1
    project: ModuleFactory | None = None

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        padding = self.kernel_size // 2 if self.padding is None else self.padding
        y = x
        if self.always_expand or self.expanded != x.shape[-1]:
            y = self.conv(self.expanded, 1, name="expand")(y, train)
        groups = self.expanded // self.group_width
        depthwise = partial(self.conv, stride=self.stride, padding=padding, groups=groups, name="depthwise")
        y = depthwise(self.expanded, self.kernel_size)(y, train)
        if self.squeeze_excite is not None:
            y = self.squeeze_excite(name="se")(y)
        y = (self.project or self.conv)(self.features, 1, act=None, name="project")(y, train)
        return add_shortcut(x, y, train=train, drop_rate=self.drop_rate)


class FusedMBConv(nn.Module):
    """The inverted residual with one convolution instead of its first two; without expansion, instead of all.

    EfficientNetV2: Tan and Le, arXiv:2104.00298, Figure 2; EfficientNet-EdgeTPU had it first. Default padding:
    symmetric. `drop_rate` is that of stochastic depth. Children: `fused`, `project`, `stochastic_depth`.
    """

    expanded: int
    features: int
    kernel_size: int
    stride: int
    conv: ModuleFactory
    shortcut: bool = True
    padding: Padding | None = None
    drop_rate: float | None = None

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        padding = self.kernel_size // 2 if self.padding is None else self.padding
        expands = self.expanded != x.shape[-1]
        features = self.expanded if expands else self.features
        y = self.conv(features, self.kernel_size, self.stride, padding, name="fused")(x, train)
        if expands:
            y = self.conv(self.features, 1, act=None, name="project")(y, train)
        return add_shortcut(x, y, train=train, drop_rate=self.drop_rate) if self.shortcut else y


def add_shortcut(x: jax.Array, y: jax.Array, *, train: bool, drop_rate: float | None = None) -> jax.Array:
    """x + y if the shapes agree, else y. With a `drop_rate`, stochastic depth is applied to y. For compact methods."""
    if x.shape != y.shape:
        return y
    return x + (y if drop_rate is None else stochastic_depth(drop_rate, train=train)(y))
