"""The inverted residual block of MobileNetV2 and V3, MnasNet and EfficientNet, and the rows of their tables."""

from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax

from zoo.geometry import Padding
from zoo.layers import ModuleFactory, stochastic_depth


class StageSettings(NamedTuple):
    """A row of the papers' tables: `depth` blocks with `features` output channels; the first block has the stride.

    Each block expands its input channels by the factor `expansion`. `fused` is for EfficientNetV2: the blocks are
    `FusedMBConv`.
    """

    kernel: int
    expansion: int
    features: int
    depth: int
    stride: int
    fused: bool = False


class InvertedResidual(nn.Module):
    """1x1 expansion, depthwise convolution, 1x1 projection without activation; plus the input if the shapes agree.

    MobileNetV2: Sandler et al., arXiv:1801.04381, Figure 4(d). With `squeeze_excite`, a factory of the module before
    the projection, it is the block of MobileNetV3 and the MBConv of MnasNet and EfficientNet. No expansion layer if
    `expanded` is the number of input channels. Default padding: symmetric. `drop_rate` is that of stochastic depth.
    Children: `expand`, `depthwise`, `se`, `project`, `stochastic_depth`.
    """

    expanded: int
    features: int
    kernel_size: int
    stride: int
    conv: ModuleFactory
    squeeze_excite: ModuleFactory | None = None
    padding: Padding | None = None
    drop_rate: float | None = None

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        padding = self.kernel_size // 2 if self.padding is None else self.padding
        y = x
        if self.expanded != x.shape[-1]:
            y = self.conv(self.expanded, 1, name="expand")(y, train)
        depthwise = partial(self.conv, stride=self.stride, padding=padding, groups=self.expanded, name="depthwise")
        y = depthwise(self.expanded, self.kernel_size)(y, train)
        if self.squeeze_excite is not None:
            y = self.squeeze_excite(name="se")(y)
        y = self.conv(self.features, 1, act=None, name="project")(y, train)
        return add_shortcut(x, y, train=train, drop_rate=self.drop_rate)


def add_shortcut(x: jax.Array, y: jax.Array, *, train: bool, drop_rate: float | None = None) -> jax.Array:
    """x + y if the shapes agree, else y. With a `drop_rate`, stochastic depth is applied to y. For compact methods."""
    if x.shape != y.shape:
        return y
    return x + (y if drop_rate is None else stochastic_depth(drop_rate, train=train)(y))
