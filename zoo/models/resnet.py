"""ResNet, ResNeXt, Wide ResNet and SE-ResNet: each block adds its output to its input."""

from functools import partial

import flax.linen as nn
import jax

from zoo.initializers import (
    InitialValues,
    he_normal_fan_out,
    torch_default,
    torch_default_bias,
    zeros,
)
from zoo.layers import (
    Dropout,
    ModuleFactory,
    SqueezeExcite,
    batch_norm,
    global_avg_pool,
    max_pool,
)
from zoo.models.blocks.channel_attention import EfficientChannelAttention
from zoo.models.blocks.residual import ConvSettings, ResidualBlock, Shortcut, block_settings, last_blocks
from zoo.models.field_types import Depths, Groups, Probability, Ratio, Width, Widths
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
    "seresnext50_32x4d": (50, 32, 4, True, SE, 27_559_896, 4_232_994_816),
    "seresnext101_32x8d": (101, 32, 8, True, SE, 93_569_048, 16_418_758_656),
}

TIMM_CROPS = {"seresnet50": 0.95, "seresnext101_32x8d": 0.95}


class ResNet(FoldableNetwork):
    """He et al. 2015, Table 1, as in torchvision: the 3x3 convolution of a bottleneck has its stride.

    Networks of up to 34 layers have blocks of two 3x3 convolutions, deeper ones have `bottleneck` blocks. Keras's port
    has `use_bias` and `stride_on_1x1`: as in the paper, the first convolution has the stride. `groups` and
    `group_width` are ResNeXt's; Wide ResNet has one group of twice the width. The rate of stochastic depth grows
    linearly from 0 in the first block to `stochastic_depth` in the last. With `zero_init_residual` the scale of the
    last norm of each block is 0 at first, so that the block is the identity (Goyal et al., arXiv:1706.02677, section
    5.1).

    The stem has `stem_width` channels. With `small_images` (CIFAR) it is a 3x3 convolution with stride 1, without a
    pool. A `deep_stem` has three 3x3 convolutions for the 7x7 (He et al. 2018, arXiv:1812.01187, Figure 2b);
    `conv_pool` is a convolution for the pool.

    A `shortcut` between different shapes is a "projection" by a 1x1 convolution (option B of section 3.3), "padding":
    every second position, with zeros as further channels (option A), or "pooling": a 2x2 average pool, then the
    projection (He et al. 2018, Figure 2c).

    `squeeze_excite` gates the channels of a branch by means of `squeeze_ratio` times fewer, `efficient_attention` by
    those of the channels beside each (ECA-Net).
    """

    depths: Depths = DEPTHS[50]
    widths: Widths = WIDTHS
    bottleneck: bool = True
    groups: Groups = 1
    group_width: Width = 64
    stem_width: Width = WIDTHS[0]
    squeeze_excite: bool = False
    squeeze_ratio: Ratio = 16
    efficient_attention: bool = False
    stride_on_1x1: bool = False
    use_bias: bool = False
    norm: ModuleFactory = batch_norm
    small_images: bool = False
    deep_stem: bool = False
    conv_pool: bool = False
    shortcut: Shortcut = "projection"
    stochastic_depth: Probability = 0.0
    dropout: Probability = 0.0
    zero_init_residual: bool = False
    remat: bool = False
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        norm = self.norm_unless_folded(self.norm, train=train)
        conv = partial(self.conv_blocks(norm), use_bias=self.use_bias or self.folded)
        last_conv = partial(conv, norm=partial(norm, scale_init=zeros)) if norm and self.zero_init_residual else conv
        x = self._stem(x, conv, train)
        for settings in block_settings(self.depths, self.widths, self.stochastic_depth):
            block = maybe_remat(ResidualBlock, self.remat)(
                branch=self._branch(settings.width, settings.stride),
                stride=settings.stride,
                shortcut=self.shortcut,
                conv=conv,
                spatial_conv=self.spatial_conv(conv, settings.first),
                last_conv=last_conv,
                act=self.act,
                attention=self._attention(EXPANSION * settings.width if self.bottleneck else settings.width),
                stochastic_depth=settings.drop_rate,
                name=settings.name,
            )
            x = block(x, train)
        x = Dropout(self.dropout, deterministic=not train, name="dropout")(global_avg_pool(x))
        return self.classify(x, "fc")

    def spatial_conv(self, conv: ModuleFactory, first: bool) -> ModuleFactory:
        """Makes the first 3x3 convolution of a block, which relatives of ResNet replace; `first` is that of its stage.

        It takes the arguments of `ConvBlock`, and so does `conv`, which makes the other convolutions.
        """
        return conv

    def _stem(self, x: jax.Array, conv: ModuleFactory, train: bool) -> jax.Array:
        width = self.stem_width
        if self.small_images:
            return conv(width, 3, padding=1, name="conv1")(x, train)
        if self.deep_stem:
            x = conv(width // 2, 3, 2, padding=1, name="conv1_1")(x, train)
            x = conv(width // 2, 3, padding=1, name="conv1_2")(x, train)
            x = conv(width, 3, padding=1, name="conv1_3")(x, train)
        else:
            x = conv(width, 7, 2, padding=3, name="conv1")(x, train)
        if self.conv_pool:
            return conv(width, 3, 2, padding=1, name="pool")(x, train)
        return max_pool(x, 3, 2, padding=1)

    def _attention(self, features: int) -> ModuleFactory | None:
        if self.efficient_attention:
            return partial(EfficientChannelAttention, dtype=self.dtype, name="eca")
        if not self.squeeze_excite:
            return None
        squeezed = max(features // self.squeeze_ratio, 1)
        init = self.initial_values
        gate = partial(SqueezeExcite, squeezed, kernel_init=init.kernel, bias_init=init.bias)
        return partial(gate, dtype=self.dtype, name="se")

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
        # Torchvision's; networks with squeeze-and-excitation, which it does not have, have timm's.
        crop=TORCHVISION_V2_CROP if depth >= 50 and not squeeze_excite else TIMM_CROPS.get(name, 0.875),
        interpolation="bicubic" if squeeze_excite else "bilinear",
        differs="torchvision's and timm's: the 3x3 convolution of a bottleneck has its stride" if depth >= 50 else "",
    )


ENTRIES = tuple(map(_entry, TABLE))
