"""GhostNet V1 and V2: half of the feature maps are computed by cheap depthwise convolutions of the other half."""

from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.initializers import TORCH_DEFAULT, InitialValues
from zoo.kernels.dilation import dilated
from zoo.layers import Dense, Dropout, ModuleFactory, SqueezeExcite, avg_pool, batch_norm, global_avg_pool
from zoo.models.blocks.round_width import round_width
from zoo.models.field_types import Probability
from zoo.models.network import FoldableNetwork, ModelInfo, Paper

PAPER = Paper(title="GhostNet: More Features from Cheap Operations", year=2019, url="https://arxiv.org/abs/1911.11907")
V2_PAPER = Paper(
    title="GhostNetV2: Enhance Cheap Operation with Long-Range Attention",
    year=2022,
    url="https://arxiv.org/abs/2211.12905",
)


class Row(NamedTuple):
    """A row of Table 1: the kernel of the depthwise convolution, expanded features, features, gate, stride."""

    kernel: int
    expanded: int
    features: int
    squeeze_excite: bool = False
    stride: int = 1


STAGES = (
    (Row(3, 16, 16),),
    (Row(3, 48, 24, stride=2),),
    (Row(3, 72, 24),),
    (Row(5, 72, 40, True, 2),),
    (Row(5, 120, 40, True),),
    (Row(3, 240, 80, stride=2),),
    (Row(3, 200, 80), Row(3, 184, 80), Row(3, 184, 80), Row(3, 480, 112, True), Row(3, 672, 112, True)),
    (Row(5, 672, 160, True, 2),),
    (Row(5, 960, 160), Row(5, 960, 160, True), Row(5, 960, 160), Row(5, 960, 160, True)),
)
STEM, LAST, HEAD = 16, 960, 1280
ATTENTION_FROM = 3  # the first stage of V2 with attention (section 4.3 of its paper)


class GhostNet(FoldableNetwork):
    """Han et al. 2019, Table 1. With `attention`, Tang et al. 2022: expansions have long-range attention (DFC).

    Squeeze-and-excite always has ReLU.
    """

    attention: bool = False
    dropout: Probability = 0.2
    initial_values: InitialValues = TORCH_DEFAULT

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        init = self.initial_values
        conv = self.conv_blocks(self.norm_unless_folded(batch_norm, train=train))
        gate = partial(
            SqueezeExcite, gate=nn.hard_sigmoid, kernel_init=init.kernel, bias_init=init.bias, dtype=self.dtype
        )
        x = conv(STEM, 3, 2, padding=1, name="conv1")(x, train)
        for s, rows in enumerate(STAGES, start=1):
            for i, row in enumerate(rows, start=1):
                block = GhostBottleneck(
                    row,
                    attention=self.attention and s >= ATTENTION_FROM,
                    conv=conv,
                    squeeze_excite=gate,
                    name=f"block{s}_{i}",
                )
                x = block(x, train)
        x = conv(LAST, 1, name="conv_last")(x, train)
        hidden = Dense(HEAD, kernel_init=init.kernel, bias_init=init.bias, dtype=self.dtype, name="fc1")
        x = self.act(hidden(global_avg_pool(x)))
        x = Dropout(self.dropout, deterministic=not train, name="dropout")(x)
        return self.classify(x, "fc2")


class GhostBottleneck(nn.Module):
    """A ghost module that expands, with stride 2 a depthwise convolution, a ghost module without activation.

    Figure 3 of the paper; plus the input, or two convolutions of it where the shapes differ. Children: `ghost1`,
    `depthwise`, `se`, `ghost2`, `shortcut_depthwise`, `shortcut`.
    """

    row: Row
    attention: bool
    conv: ModuleFactory
    squeeze_excite: ModuleFactory

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        kernel, expanded, features, has_gate, stride = self.row
        channels = x.shape[-1]
        depthwise = partial(self.conv, kernel_size=kernel, stride=stride, padding=kernel // 2, act=None)
        y = GhostModule(expanded, self.conv, attention=self.attention, name="ghost1")(x, train)
        if stride > 1:
            y = depthwise(expanded, groups=expanded, name="depthwise")(y, train)
        if has_gate:
            y = self.squeeze_excite(round_width(expanded / 4, divisor=4), name="se")(y)
        y = GhostModule(features, partial(self.conv, act=None), name="ghost2")(y, train)
        if stride > 1 or channels != features:
            x = depthwise(channels, groups=channels, name="shortcut_depthwise")(x, train)
            x = self.conv(features, 1, act=None, name="shortcut")(x, train)
        return x + y


class GhostModule(nn.Module):
    """A 1x1 convolution to half of the `features`, and a 3x3 depthwise convolution of these (section 3.1).

    With `attention` both are multiplied by `DecoupledAttention` of the input. Children: `primary`, `cheap`,
    `attention`.
    """

    features: int
    conv: ModuleFactory
    attention: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        half = self.features // 2
        primary = self.conv(half, 1, name="primary")(x, train)
        cheap = self.conv(half, 3, padding=1, groups=half, name="cheap")(primary, train)
        y = jnp.concatenate([primary, cheap], axis=-1)
        if not self.attention:
            return y
        gate = DecoupledAttention(self.features, partial(self.conv, act=None), name="attention")(x, train)
        return y * resize_nearest(gate, y.shape[1], y.shape[2])


class DecoupledAttention(nn.Module):
    """Gates at half of the resolution from a whole row, then a whole column: DFC attention, section 4.1 of V2's paper.

    Children: `pointwise`, `horizontal`, `vertical`.
    """

    features: int
    conv: ModuleFactory

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        depthwise = partial(self.conv, self.features, groups=self.features)
        with dilated(None):  # its resolution is half of the block's, also where that has dilation
            x = self.conv(self.features, 1, name="pointwise")(avg_pool(x, 2), train)
            x = depthwise(kernel_size=(1, 5), padding=(0, 2), name="horizontal")(x, train)
            return nn.sigmoid(depthwise(kernel_size=(5, 1), padding=(2, 0), name="vertical")(x, train))


@jax.named_scope("resize_nearest")
def resize_nearest(x: jax.Array, height: int, width: int) -> jax.Array:
    """[b, h, w, c] to [b, height, width, c] by repeating values, as torch's `interpolate` does: floor(i h / height)."""
    rows, columns = jnp.arange(height) * x.shape[1] // height, jnp.arange(width) * x.shape[2] // width
    return jnp.take(jnp.take(x, rows, axis=1, mode="clip"), columns, axis=2, mode="clip")


def _entry(name: str, paper: Paper, attention: bool, parameters: int, macs: int) -> ModelInfo:
    return ModelInfo(
        name=name,
        build=partial(GhostNet, attention=attention),
        paper=paper,
        parameters=parameters,
        macs=macs,
        stages=("block1_1", "block3_1", "block5_1", "block7_5", "conv_last"),
        pyramid=("conv1/conv", "block2_1", "block4_1", "block6_1", "block8_1"),
        interpolation="bicubic",
    )


ENTRIES = (
    _entry("ghostnet_100", PAPER, False, 5_182_508, 141_150_512),
    _entry("ghostnetv2_100", V2_PAPER, True, 6_156_908, 167_048_288),
)
