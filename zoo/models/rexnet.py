"""ReXNet: inverted residuals whose number of channels grows with every block."""

from collections.abc import Iterator
from functools import partial

import flax.linen as nn
import jax

from zoo.initializers import GOOGLE, InitialValues
from zoo.kernels.broadcast import multiply_broadcast
from zoo.layers import Activation, Dropout, ModuleFactory, batch_norm, global_avg_pool
from zoo.models.blocks.padded_shortcut import padded_shortcut
from zoo.models.field_types import Probability, WidthFactor
from zoo.models.network import FoldableNetwork, ModelInfo, Paper

PAPER = Paper(
    title="Rethinking Channel Dimensions for Efficient Model Design", year=2020, url="https://arxiv.org/abs/2007.00992"
)

DEPTHS = (1, 2, 2, 3, 3, 5)
STRIDES = (1, 2, 2, 2, 1, 2)
STEM, HEAD = 32, 1280
FIRST, GROWTH = 16, 180  # features of the first block, and how many more one after the last would have
EXPANSION, SQUEEZE = 6, 12
GATED_FROM = 3  # the first stage with squeeze-and-excite

# Factor of the width, parameters, multiply-adds.
TABLE = {
    "rexnet_100": (1.0, 4_796_873, 398_370_392),
    "rexnet_150": (1.5, 9_728_593, 875_828_154),
    "rexnet_200": (2.0, 16_366_620, 1_528_850_782),
}


def growing_widths(width: float) -> Iterator[int]:
    """The features of the blocks: they grow linearly (section 4.2 of the paper), by the factor `width`."""
    for position in range(sum(DEPTHS)):
        yield round((FIRST + position * GROWTH / sum(DEPTHS)) * width)


class ReXNet(FoldableNetwork):
    """Han et al. 2020, Table 4. `act` is a pair, SiLU and ReLU6 after depthwise convolutions, or one for both.

    `width` multiplies the features of all layers.
    """

    width: WidthFactor = 1.0
    act: Activation | tuple[Activation, Activation] = (nn.silu, nn.relu6)  # type: ignore[assignment]
    dropout: Probability = 0.2
    initial_values: InitialValues = GOOGLE

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        act, depthwise_act = self.act if isinstance(self.act, tuple) else (self.act, self.act)
        conv = partial(self.conv_blocks(self.norm_unless_folded(batch_norm, train=train)), act=act)
        x = conv(round(STEM * self.width), 3, 2, padding=1, name="stem")(x, train)
        widths = growing_widths(self.width)
        for s, (depth, stride) in enumerate(zip(DEPTHS, STRIDES, strict=True), start=1):
            for i in range(1, depth + 1):
                block = LinearBottleneck(
                    expanded=x.shape[-1] if s == 1 else EXPANSION * x.shape[-1],
                    features=next(widths),
                    stride=stride if i == 1 else 1,
                    gated=s >= GATED_FROM,
                    conv=conv,
                    act=depthwise_act,
                    name=f"block{s}_{i}",
                )
                x = block(x, train)
        x = conv(int(HEAD * self.width), 1, name="head")(x, train)
        x = Dropout(self.dropout, deterministic=not train, name="dropout")(global_avg_pool(x))
        return self.classify(x, "fc")


class LinearBottleneck(nn.Module):
    """An inverted residual whose activation is after squeeze-and-excite; the input is added to the first channels.

    Children: `expand`, `depthwise`, `se`, `project`.
    """

    expanded: int
    features: int
    stride: int
    gated: bool
    conv: ModuleFactory
    act: Activation

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        channels, y = x.shape[-1], x
        if self.expanded != channels:
            y = self.conv(self.expanded, 1, name="expand")(y, train)
        depthwise = partial(self.conv, padding=1, groups=self.expanded, act=None, name="depthwise")
        y = depthwise(self.expanded, 3, self.stride)(y, train)
        if self.gated:
            y = NormedSqueezeExcite(self.expanded // SQUEEZE, self.conv, name="se")(y, train)
        y = self.conv(self.features, 1, act=None, name="project")(self.act(y), train)
        return y + padded_shortcut(x, self.features, 1) if self.stride == 1 and channels <= self.features else y


class NormedSqueezeExcite(nn.Module):
    """Squeeze-and-excite with batch norm between its two convolutions. Children: `fc1`, `fc2`."""

    squeezed: int
    conv: ModuleFactory

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        means = global_avg_pool(x)[:, None, None, :]
        squeezed = self.conv(self.squeezed, 1, use_bias=True, act=nn.relu, name="fc1")(means, train)
        return multiply_broadcast(x, self.conv(x.shape[-1], 1, norm=None, act=nn.sigmoid, name="fc2")(squeezed, train))


def _entry(name: str) -> ModelInfo:
    width, parameters, macs = TABLE[name]
    return ModelInfo(
        name=name,
        build=partial(ReXNet, width=width),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        stages=("block1_1", "block2_2", "block3_2", "block5_3", "head"),
        pyramid=("block1_1", "block2_2", "block3_2", "block5_3", "block6_5"),
        interpolation="bicubic",
    )


ENTRIES = tuple(map(_entry, TABLE))
