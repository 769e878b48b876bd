"""PP-HGNet and PP-HGNetV2: blocks of a chain of convolutions whose outputs are all concatenated, fast on GPUs."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.initializers import InitialValues, he_normal_fan_out, ones, torch_default, torch_default_bias, zeros
from zoo.kernels.broadcast import add_broadcast, multiply_broadcast
from zoo.layers import Activation, Dropout, ModuleFactory, batch_norm, global_avg_pool, max_pool
from zoo.models.blocks.channel_attention import EffectiveSqueezeExcite
from zoo.models.field_types import Depth, Depths, Probability, Width, Widths
from zoo.models.network import FoldableNetwork, ModelInfo, Paper, maybe_remat

# They were published as documentation and programs of PaddleClas.
V1 = Paper(
    title="PP-HGNet: High Performance GPU Net",
    year=2022,
    url="https://github.com/PaddlePaddle/PaddleClas/blob/release/2.5.1/docs/en/models/PP-HGNet_en.md",
)
V2 = Paper(
    title="PP-HGNetV2",
    year=2023,
    url="https://github.com/PaddlePaddle/PaddleClas/blob/develop/docs/zh_CN/models/ImageNet1k/PP-HGNetV2.md",
)

# Widths of the stem; of each stage the blocks, the width of the chains and the output channels; length of the chains,
# affine activations, parameters, multiply-adds.
TABLE = {
    "hgnet_tiny": (
        ((48, 48, 96), (1, 1, 2, 1), (96, 128, 160, 192), (224, 448, 512, 768), 5, False),
        (14_735_864, 4_530_447_104),
    ),
    "hgnet_small": (
        ((64, 64, 128), (1, 1, 2, 1), (128, 160, 192, 224), (256, 512, 768, 1024), 6, False),
        (24_360_872, 8_508_610_304),
    ),
    "hgnetv2_b0": (
        ((16, 16), (1, 1, 2, 1), (16, 32, 64, 128), (64, 256, 512, 1024), 3, True),
        (5_996_550, 321_326_464),
    ),
    "hgnetv2_b1": (
        ((24, 32), (1, 1, 2, 1), (32, 48, 96, 192), (64, 256, 512, 1024), 3, True),
        (6_343_158, 489_387_840),
    ),
    "hgnetv2_b2": (
        ((24, 32), (1, 1, 3, 1), (32, 64, 128, 256), (96, 384, 768, 1536), 4, True),
        (11_221_356, 1_137_703_680),
    ),
    "hgnetv2_b3": (
        ((24, 32), (1, 1, 3, 1), (32, 64, 128, 256), (128, 512, 1024, 2048), 5, True),
        (16_292_216, 1_770_919_680),
    ),
    "hgnetv2_b4": (
        ((32, 48), (1, 1, 3, 1), (48, 96, 192, 384), (128, 512, 1024, 2048), 6, False),
        (19_796_680, 2_734_148_352),
    ),
    "hgnetv2_b5": (
        ((32, 64), (1, 2, 5, 2), (64, 128, 256, 512), (128, 512, 1024, 2048), 6, False),
        (39_569_064, 6_538_404_864),
    ),
    "hgnetv2_b6": (
        ((48, 96), (2, 3, 6, 3), (96, 192, 384, 768), (192, 512, 1024, 2048), 6, False),
        (75_256_776, 16_840_566_272),
    ),
}
# As timm's; the convolutions with biases are those of squeeze-and-excitation.
INITIAL = InitialValues(kernel=he_normal_fan_out, bias=torch_default_bias, dense_kernel=torch_default)


class HGNet(FoldableNetwork):
    """PaddleClas's PP-HGNet: a stem, and four stages of blocks; all stages but the first begin with stride 2.

    A block is a chain of `layers` convolutions of `widths` channels. The input of the chain and the outputs of all its
    convolutions are concatenated, and become `features` channels. `stem_widths` are those of a chain of 3x3
    convolutions or, with `v2`, the inner and the outer width of the stem of PP-HGNetV2. With `v2` the last two stages
    have light 5x5 layers too, and no squeeze-and-excitation. With `affine` each activation is followed by a scalar
    product and sum.
    """

    stem_widths: Widths = (48, 48, 96)
    depths: Depths = (1, 1, 2, 1)
    widths: Widths = (96, 128, 160, 192)
    features: Widths = (224, 448, 512, 768)
    layers: Depth = 5
    affine: bool = False
    v2: bool = False
    head_width: Width = 2048
    dropout: Probability = 0.0
    remat: bool = False
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        act = partial(affine_activation, act=self.act, dtype=self.dtype) if self.affine else self.act
        conv = partial(self.conv_blocks(self.norm_unless_folded(batch_norm, train=train)), act=act)
        init = self.initial_values
        gate = partial(EffectiveSqueezeExcite, kernel_init=init.kernel, bias_init=init.bias, dtype=self.dtype)
        x = (self._stem_v2 if self.v2 else self._stem)(x, conv, train)
        for stage, (depth, width, features) in enumerate(
            zip(self.depths, self.widths, self.features, strict=True), start=1
        ):
            if stage > 1:
                groups = x.shape[-1]
                x = conv(groups, 3, 2, padding=1, groups=groups, act=None, name=f"downsample{stage}")(x, train)
            for i in range(1, depth + 1):
                block = maybe_remat(ChainBlock, self.remat)(
                    width=width,
                    features=features,
                    layers=self.layers,
                    light=self.v2 and stage > 2,
                    residual=i > 1,
                    conv=conv,
                    gate=None if self.v2 else gate,
                    name=f"block{stage}_{i}",
                )
                x = block(x, train)
        pooled = global_avg_pool(x)[:, None, None, :]
        last_conv = conv(self.head_width, 1, norm=None, use_bias=False, name="last_conv")
        x = Dropout(self.dropout, deterministic=not train, name="dropout")(last_conv(pooled)[:, 0, 0, :])
        return self.classify(x, "fc")

    def _stem(self, x: jax.Array, conv: ModuleFactory, train: bool) -> jax.Array:
        for i, width in enumerate(self.stem_widths, start=1):
            x = conv(width, 3, 2 if i == 1 else 1, padding=1, name=f"stem{i}")(x, train)
        return max_pool(x, 3, 2, padding=1)

    def _stem_v2(self, x: jax.Array, conv: ModuleFactory, train: bool) -> jax.Array:
        """Two branches of 2x2 windows, a pool and two convolutions, over maps with a row and a column of zeros more."""
        width, features = self.stem_widths
        x = conv(width, 3, 2, padding=1, name="stem1")(x, train)
        # Zeros are the maximum in the pool, where the affine activation gives negative values.
        x = jnp.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)))
        y = conv(width // 2, 2, name="stem2a")(x, train)
        y = conv(width, 2, padding=((0, 1), (0, 1)), name="stem2b")(y, train)
        x = jnp.concatenate([max_pool(x, 2, 1), y], axis=-1)
        x = conv(width, 3, 2, padding=1, name="stem3")(x, train)
        return conv(features, 1, name="stem4")(x, train)


class ChainBlock(nn.Module):
    """Convolutions one after another; their input and all outputs together become `features` channels.

    A `light` layer is a 1x1 convolution and a depthwise 5x5 one. With a `gate`, the factory of a module, one 1x1
    convolution aggregates the channels and the gate follows, else there are two. Children: `layer1` and so on, or
    `layer1_1`, `layer1_2` and so on; `aggregate` and `se`, or `squeeze` and `excite`.
    """

    width: int
    features: int
    layers: int
    light: bool
    residual: bool
    conv: ModuleFactory
    gate: ModuleFactory | None

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        outputs = [x]
        for i in range(1, self.layers + 1):
            y = outputs[-1]
            if self.light:
                y = self.conv(self.width, 1, act=None, name=f"layer{i}_1")(y, train)
                y = self.conv(self.width, 5, padding=2, groups=self.width, name=f"layer{i}_2")(y, train)
            else:
                y = self.conv(self.width, 3, padding=1, name=f"layer{i}")(y, train)
            outputs.append(y)
        y = jnp.concatenate(outputs, axis=-1)
        if self.gate is None:
            y = self.conv(self.features // 2, 1, name="squeeze")(y, train)
            y = self.conv(self.features, 1, name="excite")(y, train)
        else:
            y = self.gate(name="se")(self.conv(self.features, 1, name="aggregate")(y, train))
        return x + y if self.residual else y


class Affine(nn.Module):
    """x times a trainable number, plus another one, for all channels: `coefficient` and `bias`, of shape [1]."""

    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        coefficient = self.param("coefficient", ones, (1,), jnp.float32).astype(self.dtype)
        bias = self.param("bias", zeros, (1,), jnp.float32).astype(self.dtype)
        return add_broadcast(multiply_broadcast(x, coefficient), bias)


def affine_activation(x: jax.Array, act: Activation, dtype: jnp.dtype) -> jax.Array:
    """The activation, then `Affine` as the child `lab` of the module whose compact method calls this function."""
    return Affine(dtype, name="lab")(act(x))


def _entry(name: str) -> ModelInfo:
    (stem_widths, depths, widths, features, layers, affine), (parameters, macs) = TABLE[name]
    v2 = name.startswith("hgnetv2")
    blocks = tuple(f"block{stage}_{depth}" for stage, depth in enumerate(depths, start=1))
    return ModelInfo(
        name=name,
        build=partial(
            HGNet,
            stem_widths=stem_widths,
            depths=depths,
            widths=widths,
            features=features,
            layers=layers,
            affine=affine,
            v2=v2,
        ),
        paper=V2 if v2 else V1,
        parameters=parameters,
        macs=macs,
        crop=0.965,
        interpolation="bicubic",
        stages=("stem2b" if v2 else "stem3", *blocks),
        pyramid=blocks,
    )


ENTRIES = tuple(map(_entry, TABLE))
