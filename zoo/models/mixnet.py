"""MixNet: inverted residuals whose depthwise convolutions have kernels of several sizes."""

from functools import partial
from itertools import accumulate
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.initializers import GOOGLE, InitialValues
from zoo.layers import Activation, Conv, Dropout, ModuleFactory, SqueezeExcite, batch_norm, global_avg_pool
from zoo.models.blocks.inverted_residual import add_shortcut
from zoo.models.blocks.round_width import round_width
from zoo.models.field_types import Probability, Width, WidthFactor
from zoo.models.network import FoldableNetwork, ModelInfo, Paper

PAPER = Paper(title="MixConv: Mixed Depthwise Convolutional Kernels", year=2019, url="https://arxiv.org/abs/1907.09595")


class Row(NamedTuple):
    """Blocks of Figure 5 and its program: depthwise kernels, groups of channels of the 1x1 expansion and projection.

    `expansion` is the factor of the channels. `squeeze` is the ratio of the input's channels to those between the
    layers of squeeze-and-excite (0: none); such blocks have SiLU instead of ReLU. The first block has the stride.
    """

    kernels: tuple[int, ...]
    expand_groups: int
    project_groups: int
    expansion: int
    features: int
    squeeze: int = 0
    stride: int = 1
    depth: int = 1


Stages = tuple[tuple[Row, ...], ...]

SMALL: Stages = (
    (Row((3,), 1, 1, 1, 16),),
    (Row((3,), 2, 2, 6, 24, stride=2), Row((3,), 2, 2, 3, 24)),
    (Row((3, 5, 7), 1, 1, 6, 40, 2, 2), Row((3, 5), 2, 2, 6, 40, 2, depth=3)),
    (Row((3, 5, 7), 1, 2, 6, 80, 4, 2), Row((3, 5), 1, 2, 6, 80, 4, depth=2)),
    (Row((3, 5, 7), 2, 2, 6, 120, 2), Row((3, 5, 7, 9), 2, 2, 3, 120, 2, depth=2)),
    (Row((3, 5, 7, 9, 11), 1, 1, 6, 200, 2, 2), Row((3, 5, 7, 9), 1, 2, 6, 200, 2, depth=2)),
)
MEDIUM: Stages = (
    (Row((3,), 1, 1, 1, 24),),
    (Row((3, 5, 7), 2, 2, 6, 32, stride=2), Row((3,), 2, 2, 3, 32)),
    (Row((3, 5, 7, 9), 1, 1, 6, 40, 2, 2), Row((3, 5), 2, 2, 6, 40, 2, depth=3)),
    (Row((3, 5, 7), 1, 1, 6, 80, 4, 2), Row((3, 5, 7, 9), 2, 2, 6, 80, 4, depth=3)),
    (Row((3,), 1, 1, 6, 120, 2), Row((3, 5, 7, 9), 2, 2, 3, 120, 2, depth=3)),
    (Row((3, 5, 7, 9), 1, 1, 6, 200, 2, 2), Row((3, 5, 7, 9), 1, 2, 6, 200, 2, depth=3)),
)
HEAD = 1536

# Stages, features of the stem, factor of the width, parameters, multiply-adds.
TABLE = {
    "mixnet_s": (SMALL, 16, 1.0, 4_134_606, 239_173_360),
    "mixnet_m": (MEDIUM, 24, 1.0, 5_014_382, 339_172_672),
    "mixnet_l": (MEDIUM, 24, 1.3, 7_329_252, 555_251_792),
}


class MixNet(FoldableNetwork):
    """Tan and Le 2019. `act` is a pair, SiLU for blocks with squeeze-and-excite and ReLU, or one for both.

    `width` multiplies the features of all layers but the last convolution.
    """

    stages: Stages = SMALL
    stem: Width = 16
    width: WidthFactor = 1.0
    act: Activation | tuple[Activation, Activation] = (nn.silu, nn.relu)  # type: ignore[assignment]
    dropout: Probability = 0.2
    initial_values: InitialValues = GOOGLE

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        late_act, act = self.act if isinstance(self.act, tuple) else (self.act, self.act)
        init = self.initial_values
        norm = self.norm_unless_folded(batch_norm, train=train)
        conv = partial(self.conv_blocks(norm), act=act)
        gate = partial(SqueezeExcite, act=late_act, kernel_init=init.kernel, bias_init=init.bias, dtype=self.dtype)
        x = conv(round_width(self.stem * self.width), 3, 2, padding=1, name="stem")(x, train)
        for s, rows in enumerate(self.stages, start=1):
            blocks = [(row, i) for row in rows for i in range(row.depth)]
            for number, (row, i) in enumerate(blocks, start=1):
                channels = x.shape[-1]
                block = MixBlock(
                    row,
                    features=round_width(row.features * self.width),
                    stride=row.stride if i == 0 else 1,
                    conv=partial(
                        MixedConvBlock,
                        norm=norm,
                        act=late_act if row.squeeze else act,
                        initial_values=init,
                        dtype=self.dtype,
                    ),
                    squeeze_excite=partial(gate, round(channels / row.squeeze)) if row.squeeze else None,
                    name=f"block{s}_{number}",
                )
                x = block(x, train)
        x = conv(HEAD, 1, name="head")(x, train)
        x = Dropout(self.dropout, deterministic=not train, name="dropout")(global_avg_pool(x))
        return self.classify(x, "fc")


class MixBlock(nn.Module):
    """The inverted residual with mixed convolutions. Children: `expand`, `depthwise`, `se`, `project`."""

    row: Row
    features: int
    stride: int
    conv: ModuleFactory
    squeeze_excite: ModuleFactory | None

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        y = x
        expanded = round_width(self.row.expansion * x.shape[-1])
        if self.row.expansion > 1:
            y = self.conv(expanded, (1,) * self.row.expand_groups, name="expand")(y, train)
        y = self.conv(expanded, self.row.kernels, self.stride, depthwise=True, name="depthwise")(y, train)
        if self.squeeze_excite is not None:
            y = self.squeeze_excite(name="se")(y)
        y = self.conv(self.features, (1,) * self.row.project_groups, act=None, name="project")(y, train)
        return add_shortcut(x, y, train=train)


class MixedConvBlock(nn.Module):
    """A convolution for each group of the channels, with a kernel of its own; then a norm and an activation.

    Section 3.1 of the paper; the first group has the channels that the division leaves over. Children: `conv` for one
    group, else `mixed1`, `mixed2`, ...; `bn`.
    """

    features: int
    kernels: tuple[int, ...]
    stride: int = 1
    depthwise: bool = False
    norm: ModuleFactory | None = None
    act: Activation | None = nn.relu
    initial_values: InitialValues = GOOGLE
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        count = len(self.kernels)
        groups = zip(
            jnp.split(x, list(accumulate(group_sizes(x.shape[-1], count)))[:-1], axis=-1),
            group_sizes(self.features, count),
            self.kernels,
            strict=True,
        )
        outputs = [
            Conv(
                features,
                kernel,
                stride=self.stride,
                padding=kernel // 2,
                groups=features if self.depthwise else 1,
                use_bias=self.norm is None,
                kernel_init=self.initial_values.kernel,
                bias_init=self.initial_values.bias,
                dtype=self.dtype,
                name="conv" if count == 1 else f"mixed{number}",
            )(channels)
            for number, (channels, features, kernel) in enumerate(groups, start=1)
        ]
        y = jnp.concatenate(outputs, axis=-1)
        if self.norm is not None:
            y = self.norm(train=train, dtype=self.dtype, name="bn")(y)
        return y if self.act is None else self.act(y)


def group_sizes(channels: int, count: int) -> list[int]:
    """The channels of each of `count` groups."""
    size = channels // count
    return [channels - (count - 1) * size, *[size] * (count - 1)]


def _entry(name: str) -> ModelInfo:
    stages, stem, width, parameters, macs = TABLE[name]
    return ModelInfo(
        name=name,
        build=partial(MixNet, stages=stages, stem=stem, width=width),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        stages=tuple(f"block{s}_{sum(row.depth for row in stages[s - 1])}" for s in (1, 2, 3, 5, 6)),
        interpolation="bicubic",
        differs="timm's: symmetric padding and batch norm with torch's constants, where the release has TensorFlow's",
    )


ENTRIES = tuple(map(_entry, TABLE))
