"""MobileNet V4: universal inverted bottlenecks, with optional depthwise convolutions before and after the expansion."""

from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax

from zoo.initializers import GOOGLE, InitialValues
from zoo.layers import Dropout, ModuleFactory, batch_norm, global_avg_pool
from zoo.models.blocks.inverted_residual import FusedMBConv, add_shortcut
from zoo.models.blocks.round_width import round_width
from zoo.models.field_types import Probability, Width
from zoo.models.network import FoldableNetwork, ModelInfo, Paper

PAPER = Paper(
    title="MobileNetV4: Universal Models for the Mobile Ecosystem", year=2024, url="https://arxiv.org/abs/2404.10518"
)


class ConvRow(NamedTuple):
    """An ordinary convolution."""

    kernel: int
    features: int
    stride: int = 1


class FusedRow(NamedTuple):
    """A 3x3 `FusedMBConv` with stride 2."""

    expansion: int
    features: int


class UIBRow(NamedTuple):
    """`depth` blocks: kernels of the start and the middle depthwise convolution (0: none), expansion, features."""

    start: int
    middle: int
    expansion: int
    features: int
    stride: int = 1
    depth: int = 1


Row = ConvRow | FusedRow | UIBRow
Stages = tuple[tuple[Row, ...], ...]

# Tables 11 to 13 of the paper without the stem, and without the convolutions around the last pool.
SMALL: Stages = (
    (ConvRow(3, 32, 2), ConvRow(1, 32)),
    (ConvRow(3, 96, 2), ConvRow(1, 64)),
    (UIBRow(5, 5, 3, 96, 2), UIBRow(0, 3, 2, 96, depth=4), UIBRow(3, 0, 4, 96)),
    (
        UIBRow(3, 3, 6, 128, 2),
        UIBRow(5, 5, 4, 128),
        UIBRow(0, 5, 4, 128),
        UIBRow(0, 5, 3, 128),
        UIBRow(0, 3, 4, 128, depth=2),
    ),
)
MEDIUM: Stages = (
    (FusedRow(4, 48),),
    (UIBRow(3, 5, 4, 80, 2), UIBRow(3, 3, 2, 80)),
    (
        UIBRow(3, 5, 6, 160, 2),
        UIBRow(3, 3, 4, 160, depth=2),
        UIBRow(3, 5, 4, 160),
        UIBRow(3, 3, 4, 160),
        UIBRow(3, 0, 4, 160),
        UIBRow(0, 0, 2, 160),
        UIBRow(3, 0, 4, 160),
    ),
    (
        UIBRow(5, 5, 6, 256, 2),
        UIBRow(5, 5, 4, 256),
        UIBRow(3, 5, 4, 256, depth=2),
        UIBRow(0, 0, 4, 256),
        UIBRow(3, 0, 4, 256),
        UIBRow(3, 5, 2, 256),
        UIBRow(5, 5, 4, 256),
        UIBRow(0, 0, 4, 256, depth=2),
        UIBRow(5, 0, 2, 256),
    ),
)
LARGE: Stages = (
    (FusedRow(4, 48),),
    (UIBRow(3, 5, 4, 96, 2), UIBRow(3, 3, 4, 96)),
    (
        UIBRow(3, 5, 4, 192, 2),
        UIBRow(3, 3, 4, 192, depth=3),
        UIBRow(3, 5, 4, 192),
        UIBRow(5, 3, 4, 192, depth=5),
        UIBRow(3, 0, 4, 192),
    ),
    (
        UIBRow(5, 5, 4, 512, 2),
        UIBRow(5, 5, 4, 512, depth=3),
        UIBRow(5, 0, 4, 512),
        UIBRow(5, 3, 4, 512),
        UIBRow(5, 0, 4, 512, depth=2),
        UIBRow(5, 3, 4, 512),
        UIBRow(5, 5, 4, 512),
        UIBRow(5, 0, 4, 512, depth=3),
    ),
)
LAST, HEAD = 960, 1280  # features of the convolutions before and after the last pool

# Stages, features of the stem, image size, crop, parameters, multiply-adds.
TABLE = {
    "mobilenet_v4_conv_small": (SMALL, 32, 224, 0.875, 3_774_024, 186_005_568),
    "mobilenet_v4_conv_medium": (MEDIUM, 32, 256, 0.95, 9_715_512, 1_080_244_224),
    "mobilenet_v4_conv_large": (LARGE, 24, 384, 0.95, 32_590_864, 6_376_220_672),
}


def expand_rows(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """The rows of a stage, one per block."""
    return tuple(row for row in rows for _ in range(getattr(row, "depth", 1)))


class MobileNetV4(FoldableNetwork):
    """Qin et al. 2024, the networks without attention: a stem, stages, and a head that pools before its last layers.

    The rate of stochastic depth grows linearly with the position of the block, from 0 to nearly `stochastic_depth`.
    """

    stages: Stages = SMALL
    stem: Width = 32
    dropout: Probability = 0.2
    stochastic_depth: Probability = 0.0
    initial_values: InitialValues = GOOGLE

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        conv = self.conv_blocks(self.norm_unless_folded(batch_norm, train=train))
        x = conv(self.stem, 3, 2, padding=1, name="stem")(x, train)
        blocks = [(s, i, row) for s, rows in enumerate(self.stages, 1) for i, row in enumerate(expand_rows(rows), 1)]
        for position, (s, i, row) in enumerate(blocks):
            drop_rate = self.stochastic_depth * position / len(blocks)
            x = make_block(row, x.shape[-1], conv, drop_rate, name=f"block{s}_{i}")(x, train)
        x = conv(LAST, 1, name="conv_last")(x, train)
        x = conv(HEAD, 1, name="head")(global_avg_pool(x)[:, None, None], train)[:, 0, 0]
        x = Dropout(self.dropout, deterministic=not train, name="dropout")(x)
        return self.classify(x, "fc")


def make_block(row: Row, channels: int, conv: ModuleFactory, drop_rate: float, *, name: str) -> nn.Module:
    """The module of a row of the tables, for an input of `channels`. `drop_rate` is that of stochastic depth."""
    match row:
        case ConvRow(kernel, features, stride):
            return conv(features, kernel, stride, padding=kernel // 2, name=name)
        case FusedRow(expansion, features):
            return FusedMBConv(expansion * channels, features, kernel_size=3, stride=2, conv=conv, name=name)
        case UIBRow(start, middle, expansion, features, stride):
            return UniversalInvertedBottleneck(
                start, middle, round_width(expansion * channels), features, stride, conv, drop_rate, name=name
            )


class UniversalInvertedBottleneck(nn.Module):
    """Depthwise `start`, 1x1 expansion, depthwise `middle`, 1x1 projection; plus the input if the shapes agree.

    Section 3 of the paper. A kernel of 0 leaves a depthwise convolution out: with both it is ExtraDW, with `middle`
    alone an inverted residual, with `start` alone ConvNeXt-like, with neither a feed-forward network. Only the
    expansion and `middle` have activations; the last depthwise convolution has the stride. Children: `start`, `expand`,
    `middle`, `project`, `stochastic_depth`.
    """

    start: int
    middle: int
    expanded: int
    features: int
    stride: int
    conv: ModuleFactory
    drop_rate: float

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        y = x
        if self.start:
            stride = 1 if self.middle else self.stride
            start = partial(self.conv, kernel_size=self.start, stride=stride, padding=self.start // 2, act=None)
            y = start(x.shape[-1], groups=x.shape[-1], name="start")(y, train)
        y = self.conv(self.expanded, 1, name="expand")(y, train)
        if self.middle:
            middle = partial(self.conv, kernel_size=self.middle, stride=self.stride, padding=self.middle // 2)
            y = middle(self.expanded, groups=self.expanded, name="middle")(y, train)
        y = self.conv(self.features, 1, act=None, name="project")(y, train)
        return add_shortcut(x, y, train=train, drop_rate=self.drop_rate)


def _entry(name: str) -> ModelInfo:
    stages, stem, size, crop, parameters, macs = TABLE[name]
    last_blocks = ("stem", *(f"block{s}_{len(expand_rows(rows))}" for s, rows in enumerate(stages, start=1)))
    return ModelInfo(
        name=name,
        build=partial(MobileNetV4, stages=stages, stem=stem, image_shape=(size, size, 3)),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        stages=last_blocks,
        pyramid=(*last_blocks[:-1], "conv_last"),
        input_size=size,
        crop=crop,
        interpolation="bicubic",
        differs="timm's: symmetric padding, where the authors' release pads as TensorFlow",
    )


ENTRIES = tuple(map(_entry, TABLE))
