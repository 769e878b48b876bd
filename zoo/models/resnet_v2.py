"""ResNet v2 and Big Transfer: norm and activation precede each convolution, so that the shortcuts are identities."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.initializers import InitialValues, Normal, he_normal_fan_out
from zoo.layers import (
    Activation,
    Conv,
    Dropout,
    ModuleFactory,
    batch_norm,
    global_avg_pool,
    group_norm,
    max_pool,
    stochastic_depth,
)
from zoo.models.blocks.padded_shortcut import padded_shortcut
from zoo.models.blocks.residual import ConvSettings, Shortcut, block_settings, last_blocks
from zoo.models.blocks.standardized_conv import StandardizedConv
from zoo.models.field_types import Depths, Probability, Width, Widths
from zoo.models.network import ModelInfo, Network, Paper, maybe_remat
from zoo.models.resnet import DEPTHS, EXPANSION, WIDTHS

PAPER = Paper(title="Identity Mappings in Deep Residual Networks", year=2016, url="https://arxiv.org/abs/1603.05027")
BIT = Paper(
    title="Big Transfer (BiT): General Visual Representation Learning",
    year=2019,
    url="https://arxiv.org/abs/1912.11370",
)

INITIAL = InitialValues(kernel=he_normal_fan_out, dense_kernel=Normal(0.01))  # as timm's

# Layers, parameters, multiply-adds.
TABLE = {
    "resnet50v2": (50, 25_549_352, 4_089_184_256),
    "resnet101v2": (101, 44_541_480, 7_801_405_440),
    "resnet152v2": (152, 60_185_128, 11_513_626_624),
}
# Layers, factor of all widths, image size, parameters, multiply-adds.
BIT_TABLE = {
    "resnetv2_50x1_bit": (50, 1, 224, 25_549_352, 4_089_184_256),
    "resnetv2_50x3_bit": (50, 3, 448, 217_319_080, 144_310_714_368),
    "resnetv2_101x1_bit": (101, 1, 448, 44_541_480, 31_199_477_760),
    "resnetv2_101x3_bit": (101, 3, 448, 387_934_888, 277_950_676_992),
    "resnetv2_152x2_bit": (152, 2, 224, 236_335_208, 45_814_382_592),
    "resnetv2_152x4_bit": (152, 4, 480, 936_533_224, 839_254_016_000),
}
HALF = (0.5, 0.5, 0.5)  # mean and deviation, for pixels from -1 to 1


class ResNetV2(Network):
    """He et al. 2016, Figure 1(b), with bottlenecks, as in timm's resnetv2.py.

    Without `bottleneck` a block has two 3x3 convolutions. With `small_images` (CIFAR) the stem is a 3x3 convolution
    with stride 1, without a pool; it has `stem_width` channels. Where shapes differ, the shortcut is a 1x1 convolution
    of the first activation or, with `shortcut="padding"`, the input at every second position with zeros as further
    channels. The rate of stochastic depth grows linearly from 0 in the first block to `stochastic_depth` in the last.
    Big Transfer (Kolesnikov et al. 2019, section 3.1) has `norm=group_norm`, a `conv` with standardized weights, and a
    `zero_padded_pool`: its padding is zero, not less than all values.
    """

    depths: Depths = DEPTHS[50]
    widths: Widths = WIDTHS
    stem_width: Width = WIDTHS[0]
    bottleneck: bool = True
    norm: ModuleFactory = batch_norm
    conv: ModuleFactory = Conv
    small_images: bool = False
    zero_padded_pool: bool = False
    shortcut: Shortcut = "projection"
    stochastic_depth: Probability = 0.0
    dropout: Probability = 0.0
    remat: bool = False
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        conv = partial(self.conv, use_bias=False, kernel_init=self.initial_values.kernel, dtype=self.dtype)
        norm = partial(self.norm, dtype=self.dtype)
        x = self._stem(x, conv)
        for settings in block_settings(self.depths, self.widths, self.stochastic_depth):
            block = maybe_remat(PreActivationBlock, self.remat)(
                branch=self._branch(settings.width, settings.stride),
                stride=settings.stride,
                shortcut=self.shortcut,
                conv=conv,
                norm=norm,
                act=self.act,
                stochastic_depth=settings.drop_rate,
                name=settings.name,
            )
            x = block(x, train)
        x = global_avg_pool(self.act(norm(train=train, name="bn")(x)))
        x = Dropout(self.dropout, deterministic=not train, name="dropout")(x)
        return self.classify(x, "fc")

    def _stem(self, x: jax.Array, conv: ModuleFactory) -> jax.Array:
        if self.small_images:
            return conv(self.stem_width, 3, padding=1, name="conv1")(x)
        x = conv(self.stem_width, 7, 2, padding=3, name="conv1")(x)
        if self.zero_padded_pool:
            return max_pool(jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))), 3, 2)
        return max_pool(x, 3, 2, padding=1)

    def _branch(self, width: int, stride: int) -> tuple[ConvSettings, ...]:
        if not self.bottleneck:
            return ConvSettings(width, 3, stride), ConvSettings(width, 3)
        return ConvSettings(width, 1), ConvSettings(width, 3, stride), ConvSettings(EXPANSION * width, 1)


class PreActivationBlock(nn.Module):
    """Convolutions, each after norm and activation, plus a shortcut."""

    branch: tuple[ConvSettings, ...]
    stride: int
    shortcut: Shortcut
    conv: ModuleFactory
    norm: ModuleFactory
    act: Activation
    stochastic_depth: float

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        features, y = self.branch[-1].features, x
        for i, (width, kernel, stride, _) in enumerate(self.branch, start=1):
            y = self.act(self.norm(train=train, name=f"bn{i}")(y))
            if i == 1 and (self.stride > 1 or x.shape[-1] != features):
                x = self._changed(x, y, features)
            y = self.conv(width, kernel, stride, padding=kernel // 2, name=f"conv{i}")(y)
        return x + stochastic_depth(self.stochastic_depth, train=train)(y)

    def _changed(self, x: jax.Array, activated: jax.Array, features: int) -> jax.Array:
        if self.shortcut == "padding":
            return padded_shortcut(x, features, self.stride)
        return self.conv(features, 1, self.stride, name="downsample")(activated)


def _entry(name: str) -> ModelInfo:
    depth, parameters, macs = TABLE[name]
    return ModelInfo(
        name=name,
        build=partial(ResNetV2, depths=DEPTHS[depth]),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        stages=last_blocks(DEPTHS[depth]),
        mean=HALF,
        std=HALF,
        crop=0.95,
        interpolation="bicubic",
        differs="timm's: no norm between conv1 and its pool; the 3x3 convolution of a block has its stride",
    )


def _bit_entry(name: str) -> ModelInfo:
    depth, factor, size, parameters, macs = BIT_TABLE[name]
    return ModelInfo(
        name=name,
        build=partial(
            ResNetV2,
            depths=DEPTHS[depth],
            widths=tuple(factor * width for width in WIDTHS),
            stem_width=factor * WIDTHS[0],
            norm=group_norm,
            conv=StandardizedConv,
            zero_padded_pool=True,
            image_shape=(size, size, 3),
        ),
        paper=BIT,
        parameters=parameters,
        macs=macs,
        stages=last_blocks(DEPTHS[depth]),
        input_size=size,
        mean=HALF,
        std=HALF,
        # Those of 224 pixels were distilled, or their teacher (Beyer et al. 2021, arXiv:2106.05237).
        crop=0.875 if size == 224 else 1.0,
        interpolation="bicubic" if size == 224 else "bilinear",
    )


ENTRIES = (*map(_entry, TABLE), *map(_bit_entry, BIT_TABLE))
