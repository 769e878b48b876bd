"""The blocks of ResNet, and what its relatives have of their names and numbers."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import flax.linen as nn
import jax

from zoo.errors import ZooError
from zoo.kernels.relu import keeping_output
from zoo.layers import Activation, ModuleFactory, avg_pool, stochastic_depth
from zoo.models.blocks.padded_shortcut import padded_shortcut

Shortcut = Literal["projection", "padding", "pooling"]


class ConvSettings(NamedTuple):
    """A convolution of a residual branch."""

    features: int
    kernel: int
    stride: int = 1
    groups: int = 1


class BlockSettings(NamedTuple):
    """The name of a block, its width, its stride, its rate of stochastic depth, and whether it is its stage's first."""

    name: str
    width: int
    stride: int
    drop_rate: float
    first: bool


def block_settings(depths: tuple[int, ...], widths: tuple[int, ...], last_drop_rate: float) -> Iterator[BlockSettings]:
    """The settings of all blocks, in order: `depths` and `widths` are those of the stages.

    The rate of stochastic depth grows from 0 to `last_drop_rate`. Raises ZooError for other than one width per stage.
    """
    if len(depths) != len(widths):
        raise ZooError(f"depths={depths} and widths={widths}: give as many widths as depths, one for each stage")
    position, last = 0, max(sum(depths) - 1, 1)
    for stage, (depth, width) in enumerate(zip(depths, widths, strict=True), start=2):
        for i in range(1, depth + 1):
            stride = 2 if stage > 2 and i == 1 else 1
            yield BlockSettings(f"conv{stage}_{i}", width, stride, last_drop_rate * position / last, i == 1)
            position += 1


class ResidualBlock(nn.Module):
    """act(branch + shortcut), Figure 2 of the paper; where the shapes differ, the shortcut is changed.

    `spatial_conv` makes the first convolution of the branch that is larger than 1x1, `last_conv` the last one. With
    `act_before_sum` (Darknet) the activation of the last convolution precedes the sum. A `shortcut_input` stands for
    the block's input in the sum (DLA).
    """

    branch: tuple[ConvSettings, ...]
    stride: int
    shortcut: Shortcut
    conv: ModuleFactory
    spatial_conv: ModuleFactory
    last_conv: ModuleFactory
    act: Activation
    attention: ModuleFactory | None
    stochastic_depth: float
    act_before_sum: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False, shortcut_input: jax.Array | None = None) -> jax.Array:
        y = x
        spatial = next(i for i, settings in enumerate(self.branch, start=1) if settings.kernel > 1)
        makers = {spatial: self.spatial_conv, len(self.branch): self.last_conv}
        for i, settings in enumerate(self.branch, start=1):
            last = i == len(self.branch)
            conv = makers.get(i, self.conv)(
                settings.features,
                settings.kernel,
                stride=settings.stride,
                padding=settings.kernel // 2,
                groups=settings.groups,
                act=None if last and not self.act_before_sum else self.act,
                name=f"conv{i}",
            )
            y = conv(y, train)
        if self.attention is not None:
            y = self.attention()(y)
        y = stochastic_depth(self.stochastic_depth, train=train)(y)
        if shortcut_input is not None:
            x = shortcut_input
        elif self.stride > 1 or x.shape[-1] != y.shape[-1]:
            x = self._changed(x, y.shape[-1], train)
        return x + y if self.act_before_sum else keeping_output(self.act)(x + y)

    def _changed(self, x: jax.Array, features: int, train: bool) -> jax.Array:
        if self.shortcut == "padding":
            return padded_shortcut(x, features, self.stride)
        stride = self.stride
        if self.shortcut == "pooling" and stride > 1:
            x, stride = avg_pool(x, 2, stride, ceil_mode=True), 1
        return self.conv(features, 1, stride, act=None, name="downsample")(x, train)


def last_blocks(depths: tuple[int, ...]) -> tuple[str, ...]:
    """The name of the last layer or block at each resolution."""
    return ("conv1", *(f"conv{stage}_{depth}" for stage, depth in enumerate(depths, start=2)))
