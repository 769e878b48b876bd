"""Aligned Xception of DeepLabv3+: deeper than Xception, without pools, and with a norm after each depthwise layer."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax

from zoo.initializers import TORCH_DEFAULT, InitialValues
from zoo.layers import Activation, Dropout, ModuleFactory, batch_norm, global_avg_pool
from zoo.models.field_types import Depth, Probability, Strides, Widths
from zoo.models.network import FoldableNetwork, MapLayer, ModelInfo, Paper, activated, maybe_remat
from zoo.runtime.record_types import ImageShape

PAPER = Paper(
    title="Encoder-Decoder with Atrous Separable Convolution for Semantic Image Segmentation",
    year=2018,
    url="https://arxiv.org/abs/1802.02611",
)

# Widths and strides of the blocks of the entry flow.
ENTRY_FLOW = ((128, 256, 728), (2, 2, 2))
ENTRY_FLOW_71 = ((128, 256, 256, 728, 728), (2, 1, 2, 1, 2))
# The entry flow, the blocks of the middle flow, parameters, multiply-adds.
TABLE = {
    "xception41": (ENTRY_FLOW, 8, 26_969_560, 9_204_134_312),
    "xception65": (ENTRY_FLOW, 16, 39_916_312, 13_852_682_216),
    "xception71": (ENTRY_FLOW_71, 16, 42_338_736, 17_946_553_928),
}
MIDDLE_WIDTH = 728
# Of the separable convolutions of the two blocks of the exit flow.
EXIT_WIDTHS = (728, 1024, 1024)
LAST_WIDTHS = (1536, 1536, 2048)


class SeparableSettings(NamedTuple):
    """The widths of the three separable convolutions of a block, and the stride of the last of them."""

    widths: tuple[int, ...]
    stride: int


class XceptionAligned(FoldableNetwork):
    """Chen et al. 2018, Figure 4: a stem, an entry flow, `middle_depth` blocks of the same kind, and an exit flow."""

    image_shape: ImageShape = (299, 299, 3)
    entry_widths: Widths = ENTRY_FLOW[0]
    entry_strides: Strides = ENTRY_FLOW[1]
    middle_depth: Depth = 16
    dropout: Probability = 0.0
    remat: bool = False
    initial_values: InitialValues = TORCH_DEFAULT  # as timm's

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        conv = self.conv_blocks(self.norm_unless_folded(partial(batch_norm, epsilon=1e-3), train=train))
        block = maybe_remat(AlignedBlock, self.remat)
        x = conv(32, 3, 2, padding=1, name="stem1")(x, train)
        x = conv(64, 3, padding=1, name="stem2")(x, train)
        count = 0
        for count, settings in enumerate(self._blocks(), start=1):
            x = block(*settings, conv, self.act, name=f"block{count}")(x, train)
        x = SeparableConvs(LAST_WIDTHS, conv, name=f"block{count + 1}")(x, train)
        x = Dropout(self.dropout, deterministic=not train, name="dropout")(global_avg_pool(x))
        return self.classify(x, "fc")

    def _blocks(self) -> Iterator[SeparableSettings]:
        for width, stride in zip(self.entry_widths, self.entry_strides, strict=True):
            yield SeparableSettings((width,) * 3, stride)
        for _ in range(self.middle_depth):
            yield SeparableSettings((MIDDLE_WIDTH,) * 3, 1)
        yield SeparableSettings(EXIT_WIDTHS, 2)


class AlignedBlock(nn.Module):
    """Separable convolutions, each after an activation, plus the input, projected where the shapes differ.

    Children: `sepconv{i}_depthwise`, `sepconv{i}_pointwise` and `shortcut`.
    """

    widths: tuple[int, ...]
    stride: int
    conv: ModuleFactory
    act: Activation

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        conv = partial(self.conv, act=None)
        y = x
        for i, width in enumerate(self.widths, start=1):
            stride = self.stride if i == len(self.widths) else 1
            y = separable(self.act(y), width, stride, conv, f"sepconv{i}", train)
        if x.shape != y.shape:
            x = conv(y.shape[-1], 1, self.stride, name="shortcut")(x, train)
        return x + y


class SeparableConvs(nn.Module):
    """Separable convolutions with an activation after each of their two layers: the end of the exit flow."""

    widths: tuple[int, ...]
    conv: ModuleFactory

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        for i, width in enumerate(self.widths, start=1):
            x = separable(x, width, 1, self.conv, f"sepconv{i}", train)
        return x


def separable(x: jax.Array, features: int, stride: int, conv: ModuleFactory, name: str, train: bool) -> jax.Array:
    """A depthwise 3x3 and a 1x1 convolution block. For compact methods."""
    channels = x.shape[-1]
    x = conv(channels, 3, stride, padding=1, groups=channels, name=f"{name}_depthwise")(x, train)
    return conv(features, 1, name=f"{name}_pointwise")(x, train)


def _strided_blocks(strides: tuple[int, ...], middle_depth: int) -> list[int]:
    return [
        *(i for i, stride in enumerate(strides, start=1) if stride > 1),
        len(strides) + middle_depth + 1,
    ]


def _entry(name: str) -> ModelInfo:
    (widths, strides), middle_depth, parameters, macs = TABLE[name]
    strided = _strided_blocks(strides, middle_depth)
    last = f"block{strided[-1] + 1}"
    return ModelInfo(
        name=name,
        build=partial(XceptionAligned, entry_widths=widths, entry_strides=strides, middle_depth=middle_depth),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        input_size=299,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        crop=0.94 if name == "xception65" else 0.903,
        interpolation="bicubic",
        stages=("stem2", *(f"block{i - 1}" for i in strided[1:]), last),
        # As timm's: what the last convolution of a block reduces.
        pyramid=(*(MapLayer(f"block{i}/sepconv2_pointwise", activated) for i in strided), last),
        differs="the release's: the last separable convolution of the exit flow's first block has the stride",
    )


ENTRIES = tuple(map(_entry, TABLE))
