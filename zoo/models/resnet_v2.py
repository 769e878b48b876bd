"""ResNet v2: norm and activation precede each convolution, so that the shortcuts are identities."""

from functools import partial

import flax.linen as nn
import jax

from zoo.initializers import InitialValues, Normal, he_normal_fan_out
from zoo.layers import Activation, Conv, Dropout, ModuleFactory, batch_norm, global_avg_pool, max_pool, stochastic_depth
from zoo.models.blocks.padded_shortcut import padded_shortcut
from zoo.models.blocks.residual import ConvSettings, Shortcut, block_settings, last_blocks
from zoo.models.field_types import Depths, Probability, Width, Widths
from zoo.models.network import ModelInfo, Network, Paper, maybe_remat
from zoo.models.resnet import (
    DEPTHS,
    EXPANSION,
    WIDTHS,
)

PAPER = Paper(title="Identity Mappings in Deep Residual Networks", year=2016, url="https://arxiv.org/abs/1603.05027")

INITIAL = InitialValues(kernel=he_normal_fan_out, dense_kernel=Normal(0.01))  # as timm's

# Layers, parameters, multiply-adds.
TABLE = {
    "resnet50v2": (50, 25_549_352, 4_089_184_256),
    "resnet101v2": (101, 44_541_480, 7_801_405_440),
    "resnet152v2": (152, 60_185_128, 11_513_626_624),
}


class ResNetV2(Network):
    """He et al. 2016, Figure 1(b), with bottlenecks, as in timm's resnetv2.py.

    Without `bottleneck` a block has two 3x3 convolutions. With `small_images` (CIFAR) the stem is a 3x3 convolution
    with stride 1, without a pool; it has `stem_width` channels. Where shapes differ, the shortcut is a 1x1 convolution
    of the first activation or, with `shortcut="padding"`, the input at every second position with zeros as further
    channels. The rate of stochastic depth grows linearly from 0 in the first block to `stochastic_depth` in the last.
    """

    depths: Depths = DEPTHS[50]
    widths: Widths = WIDTHS
    stem_width: Width = WIDTHS[0]
    bottleneck: bool = True
    small_images: bool = False
    shortcut: Shortcut = "projection"
    stochastic_depth: Probability = 0.0
    dropout: Probability = 0.0
    remat: bool = False
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        conv = partial(Conv, use_bias=False, kernel_init=self.initial_values.kernel, dtype=self.dtype)
        norm = partial(batch_norm, dtype=self.dtype)
        if self.small_images:
            x = conv(self.stem_width, 3, padding=1, name="conv1")(x)
        else:
            x = max_pool(conv(self.stem_width, 7, 2, padding=3, name="conv1")(x), 3, 2, padding=1)
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
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        crop=0.95,
        interpolation="bicubic",
        differs="timm's: no norm between conv1 and its pool; the 3x3 convolution of a block has its stride",
    )


ENTRIES = tuple(_entry(name) for name in TABLE)
