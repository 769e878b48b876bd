"""ResNet, ResNeXt, Wide ResNet and SE-ResNet: each block adds its output to its input."""

from collections.abc import Iterator
from functools import partial
from typing import Literal, NamedTuple

import flax.linen as nn
import jax

from zoo.errors import ZooError
from zoo.initializers import (
    KERAS_DEFAULT,
    InitialValues,
    he_normal_fan_out,
    torch_default,
    torch_default_bias,
    zeros,
)
from zoo.layers import (
    Activation,
    Dropout,
    ModuleFactory,
    SqueezeExcite,
    batch_norm,
    global_avg_pool,
    max_pool,
    stochastic_depth,
)
from zoo.models.blocks.padded_shortcut import padded_shortcut
from zoo.models.field_types import Depths, Groups, Probability, Width, Widths
from zoo.models.network import TORCHVISION_V2_CROP, FoldableNetwork, ModelInfo, Paper, maybe_remat

RESNET = Paper(title="Deep Residual Learning for Image Recognition", year=2015, url="https://arxiv.org/abs/1512.03385")
RESNEXT = Paper(
    title="Aggregated Residual Transformations for Deep Neural Networks",
    year=2016,
    url="https://arxiv.org/abs/1611.05431",
)
WIDE = Paper(title="Wide Residual Networks", year=2016, url="https://arxiv.org/abs/1605.07146")
SE = Paper(title="Squeeze-and-Excitation Networks", year=2017, url="https://arxiv.org/abs/1709.01507")

# Table 1 of the paper, by the number of layers: the numbers of blocks in conv2_x, conv3_x, conv4_x and conv5_x.
DEPTHS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
# Torchvision's and timm's. The convolutions with biases are those of squeeze-and-excitation.
INITIAL = InitialValues(
    kernel=he_normal_fan_out, bias=torch_default_bias, dense_kernel=torch_default, dense_bias=torch_default_bias
)
WIDTHS = (64, 128, 256, 512)
Shortcut = Literal["projection", "padding"]
EXPANSION = 4  # the output features of a bottleneck divided by its width

# Layers, groups, width of a group in conv2_x, squeeze-and-excitation; paper, parameters, multiply-adds.
TABLE = {
    "resnet18": (18, 1, 64, False, RESNET, 11_689_512, 1_814_073_344),
    "resnet34": (34, 1, 64, False, RESNET, 21_797_672, 3_663_761_408),
    "resnet50": (50, 1, 64, False, RESNET, 25_557_032, 4_089_184_256),
    "resnet101": (101, 1, 64, False, RESNET, 44_549_160, 7_801_405_440),
    "resnet152": (152, 1, 64, False, RESNET, 60_192_808, 11_513_626_624),
    "resnext50_32x4d": (50, 32, 4, False, RESNEXT, 25_028_904, 4_230_479_872),
    "resnext101_32x8d": (101, 32, 8, False, RESNEXT, 88_791_336, 16_414_015_488),
    "resnext101_64x4d": (101, 64, 4, False, RESNEXT, 83_455_272, 15_460_270_080),
    "wide_resnet50_2": (50, 1, 128, False, WIDE, 68_883_240, 11_398_021_120),
    "wide_resnet101_2": (101, 1, 128, False, WIDE, 126_886_696, 22_753_050_624),
    "seresnet50": (50, 1, 64, True, SE, 28_088_024, 4_091_699_200),
}

# Layers, parameters, multiply-adds.
KERAS_TABLE = {
    "resnet50_keras": (50, 25_583_592, 3_857_973_248),
    "resnet101_keras": (101, 44_601_832, 7_570_194_432),
    "resnet152_keras": (152, 60_268_520, 11_282_415_616),
}


class ConvSettings(NamedTuple):
    """A convolution of a residual branch."""

    features: int
    kernel: int
    stride: int = 1
    groups: int = 1


class BlockSettings(NamedTuple):
    """The name of a block, its width, its stride and its rate of stochastic depth."""

    name: str
    width: int
    stride: int
    drop_rate: float


class ResNet(FoldableNetwork):
    """He et al. 2015, Table 1, as in torchvision: the 3x3 convolution of a bottleneck has its stride.

    Networks of up to 34 layers have blocks of two 3x3 convolutions, deeper ones have `bottleneck` blocks. Keras's port
    has `use_bias` and `stride_on_1x1`: as in the paper, the first convolution has the stride. `groups` and
    `group_width` are ResNeXt's; Wide ResNet has one group of twice the width. The rate of stochastic depth grows
    linearly from 0 in the first block to `stochastic_depth` in the last. With `small_images` (CIFAR) the stem is a 3x3
    convolution with stride 1, without a pool. A shortcut between different shapes is a 1x1 convolution (option B of
    section 3.3) or, with `shortcut="padding"`, every second position with zeros as further channels (option A). With
    `zero_init_residual` the scale of the last norm of each block is 0 at first, so that the block is the identity
    (Goyal et al., arXiv:1706.02677, section 5.1).
    """

    depths: Depths = DEPTHS[50]
    widths: Widths = WIDTHS
    bottleneck: bool = True
    groups: Groups = 1
    group_width: Width = 64
    squeeze_excite: bool = False
    stride_on_1x1: bool = False
    use_bias: bool = False
    norm: ModuleFactory = batch_norm
    small_images: bool = False
    shortcut: Shortcut = "projection"
    stochastic_depth: Probability = 0.0
    dropout: Probability = 0.0
    zero_init_residual: bool = False
    remat: bool = False
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        norm = self.norm_unless_folded(self.norm, train=train)
        init = self.initial_values
        conv = partial(self.conv_blocks(norm), use_bias=self.use_bias or self.folded)
        last_conv = partial(conv, norm=partial(norm, scale_init=zeros)) if norm and self.zero_init_residual else conv
        squeeze_excite = partial(SqueezeExcite, kernel_init=init.kernel, bias_init=init.bias, dtype=self.dtype)
        if self.small_images:
            x = conv(self.widths[0], 3, padding=1, name="conv1")(x, train)
        else:
            x = max_pool(conv(self.widths[0], 7, 2, padding=3, name="conv1")(x, train), 3, 2, padding=1)
        for settings in block_settings(self.depths, self.widths, self.stochastic_depth):
            block = maybe_remat(ResidualBlock, self.remat)(
                branch=self._branch(settings.width, settings.stride),
                stride=settings.stride,
                shortcut=self.shortcut,
                conv=conv,
                last_conv=last_conv,
                act=self.act,
                squeeze_excite=squeeze_excite if self.squeeze_excite else None,
                stochastic_depth=settings.drop_rate,
                name=settings.name,
            )
            x = block(x, train)
        x = Dropout(self.dropout, deterministic=not train, name="dropout")(global_avg_pool(x))
        return self.classify(x, "fc")

    def _branch(self, width: int, stride: int) -> tuple[ConvSettings, ...]:
        if not self.bottleneck:
            return ConvSettings(width, 3, stride), ConvSettings(width, 3)
        inner = self.groups * self.group_width * width // WIDTHS[0]
        stride_1x1, stride_3x3 = (stride, 1) if self.stride_on_1x1 else (1, stride)
        return (
            ConvSettings(inner, 1, stride_1x1),
            ConvSettings(inner, 3, stride_3x3, self.groups),
            ConvSettings(EXPANSION * width, 1),
        )


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
            yield BlockSettings(f"conv{stage}_{i}", width, stride, last_drop_rate * position / last)
            position += 1


class ResidualBlock(nn.Module):
    """act(branch + shortcut), Figure 2 of the paper; where the shapes differ, the shortcut is projected or padded."""

    branch: tuple[ConvSettings, ...]
    stride: int
    shortcut: Shortcut
    conv: ModuleFactory
    last_conv: ModuleFactory
    act: Activation
    squeeze_excite: ModuleFactory | None
    stochastic_depth: float

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        y = x
        for i, settings in enumerate(self.branch, start=1):
            last = i == len(self.branch)
            conv = (self.last_conv if last else self.conv)(
                settings.features,
                settings.kernel,
                stride=settings.stride,
                padding=settings.kernel // 2,
                groups=settings.groups,
                act=None if last else self.act,
                name=f"conv{i}",
            )
            y = conv(y, train)
        if self.squeeze_excite is not None:
            y = self.squeeze_excite(y.shape[-1] // 16, name="se")(y)
        y = stochastic_depth(self.stochastic_depth, train=train)(y)
        if self.stride > 1 or x.shape[-1] != y.shape[-1]:
            if self.shortcut == "padding":
                x = padded_shortcut(x, y.shape[-1], self.stride)
            else:
                x = self.conv(y.shape[-1], 1, self.stride, act=None, name="downsample")(x, train)
        return self.act(x + y)


def last_blocks(depths: tuple[int, ...]) -> tuple[str, ...]:
    """The name of the last layer or block at each resolution."""
    return ("conv1", *(f"conv{stage}_{depth}" for stage, depth in enumerate(depths, start=2)))


def _entry(name: str) -> ModelInfo:
    depth, groups, group_width, squeeze_excite, paper, parameters, macs = TABLE[name]
    return ModelInfo(
        name=name,
        build=partial(
            ResNet,
            depths=DEPTHS[depth],
            bottleneck=depth >= 50,
            groups=groups,
            group_width=group_width,
            squeeze_excite=squeeze_excite,
            zero_init_residual=squeeze_excite,  # as timm's
        ),
        paper=paper,
        parameters=parameters,
        macs=macs,
        stages=last_blocks(DEPTHS[depth]),
        # Torchvision's; SE-ResNet, which torchvision does not have, has timm's.
        crop=0.95 if squeeze_excite else TORCHVISION_V2_CROP if depth >= 50 else 0.875,
        interpolation="bicubic" if squeeze_excite else "bilinear",
        differs="torchvision's and timm's: the 3x3 convolution of a bottleneck has its stride" if depth >= 50 else "",
    )


def _keras_entry(name: str) -> ModelInfo:
    depth, parameters, macs = KERAS_TABLE[name]
    norm = partial(batch_norm, epsilon=1.001e-5, momentum=0.99)
    return ModelInfo(
        name=name,
        build=partial(
            ResNet,
            depths=DEPTHS[depth],
            stride_on_1x1=True,
            use_bias=True,
            norm=norm,
            initial_values=KERAS_DEFAULT,
        ),
        paper=RESNET,
        parameters=parameters,
        macs=macs,
        stages=last_blocks(DEPTHS[depth]),
        mean=(123.68 / 255, 116.779 / 255, 103.939 / 255),
        std=(1 / 255,) * 3,
        differs="Keras's: convolutions have biases, although batch normalisation follows",
    )


ENTRIES = (*map(_entry, TABLE), *map(_keras_entry, KERAS_TABLE))
