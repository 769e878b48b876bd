"""ConvNeXt and ConvNeXt V2: a ResNet modernised with the design choices of vision transformers."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.initializers import InitialValues, Normal, zeros
from zoo.kernels.broadcast import multiply_broadcast
from zoo.layers import Activation, Conv, Dense, ModuleFactory, global_avg_pool, stochastic_depth
from zoo.models.field_types import Depths, Probability, Scale, Widths
from zoo.models.network import ModelInfo, Network, Paper, maybe_remat

PAPER = Paper(title="A ConvNet for the 2020s", year=2022, url="https://arxiv.org/abs/2201.03545")
V2_PAPER = Paper(
    title="ConvNeXt V2: Co-designing and Scaling ConvNets with Masked Autoencoders",
    year=2023,
    url="https://arxiv.org/abs/2301.00808",
)

# Blocks and channels of the four stages (section 3), stochastic depth, the size to which torchvision resizes images
# before it crops them to 224, parameters, multiply-adds.
TABLE = {
    "convnext_tiny": ((3, 3, 9, 3), (96, 192, 384, 768), 0.1, 236, 28_589_128, 4_455_531_264),
    "convnext_small": ((3, 3, 27, 3), (96, 192, 384, 768), 0.4, 230, 50_223_688, 8_683_712_256),
    "convnext_base": ((3, 3, 27, 3), (128, 256, 512, 1024), 0.5, 232, 88_591_464, 15_354_729_472),
    "convnext_large": ((3, 3, 27, 3), (192, 384, 768, 1536), 0.5, 232, 197_767_336, 34_361_433_600),
}
# Networks that timm has, and torchvision has not: depths, widths, stochastic depth, crop, parameters, multiply-adds.
TIMM_TABLE = {
    "convnext_atto": ((2, 2, 6, 2), (40, 80, 160, 320), 0.1, 0.875, 3_695_520, 547_332_480),
    "convnext_femto": ((2, 2, 6, 2), (48, 96, 192, 384), 0.1, 0.875, 5_217_784, 779_629_824),
    "convnext_pico": ((2, 2, 6, 2), (64, 128, 256, 512), 0.1, 0.875, 9_045_672, 1_367_055_360),
    "convnext_nano": ((2, 2, 8, 2), (80, 160, 320, 640), 0.1, 0.95, 15_593_560, 2_445_528_320),
    "convnext_xlarge": ((3, 3, 27, 3), (256, 512, 1024, 2048), 0.5, 0.875, 350_196_968, 60_921_030_656),
}

# ConvNeXt V2 (appendix A.1, Table 9): depths, widths, stochastic depth, image size, parameters, multiply-adds.
V2_TABLE = {
    "convnextv2_atto": ((2, 2, 6, 2), (40, 80, 160, 320), 0.1, 224, 3_708_400, 547_332_480),
    "convnextv2_femto": ((2, 2, 6, 2), (48, 96, 192, 384), 0.1, 224, 5_233_240, 779_629_824),
    "convnextv2_pico": ((2, 2, 6, 2), (64, 128, 256, 512), 0.1, 224, 9_066_280, 1_367_055_360),
    "convnextv2_nano": ((2, 2, 8, 2), (80, 160, 320, 640), 0.1, 224, 15_623_800, 2_445_528_320),
    "convnextv2_tiny": ((3, 3, 9, 3), (96, 192, 384, 768), 0.2, 224, 28_635_496, 4_455_531_264),
    "convnextv2_base": ((3, 3, 27, 3), (128, 256, 512, 1024), 0.1, 224, 88_717_800, 15_354_729_472),
    "convnextv2_large": ((3, 3, 27, 3), (192, 384, 768, 1536), 0.2, 224, 197_956_840, 34_361_433_600),
    "convnextv2_huge": ((3, 3, 27, 3), (352, 704, 1408, 2816), 0.3, 384, 660_289_640, 337_724_794_880),
}

EXPANSION = 4  # the channels between the two pointwise layers of a block divided by those of its input (section 2.4)

# The authors' release and torchvision.
INITIAL = InitialValues(kernel=Normal(0.02), dense_kernel=Normal(0.02))
exact_gelu = partial(jax.nn.gelu, approximate=False)
# The variance is right where the mean is large, as torch's; it costs nothing on a CPU.
layer_norm = partial(nn.LayerNorm, epsilon=1e-6, use_fast_variance=False)


class ConvNeXt(Network):
    """Liu et al. 2022: a 4x4 stem, four stages of blocks with depthwise 7x7 convolutions, 2x2 convolutions between.

    The rate of stochastic depth grows linearly from 0 in the first block to `stochastic_depth` in the last.
    `layer_scale` is the initial scale of the branches (appendix A.1), None for none. With `response_norm` the blocks
    are those of ConvNeXt V2 (Woo et al. 2023, Figure 5), which have no scale.
    """

    depths: Depths = (3, 3, 9, 3)
    widths: Widths = (96, 192, 384, 768)
    act: Activation = exact_gelu
    stochastic_depth: Probability = 0.1
    layer_scale: Scale | None = 1e-6
    response_norm: bool = False
    remat: bool = False
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        init = self.initial_values
        conv = partial(Conv, kernel_init=init.kernel, bias_init=init.bias, dtype=self.dtype)
        made = partial(maybe_remat(ConvNeXtBlock, self.remat), initial_values=init, act=self.act, dtype=self.dtype)
        block = partial(made, layer_scale=self.layer_scale, response_norm=self.response_norm)
        rate = self.stochastic_depth / max(sum(self.depths) - 1, 1)
        x = Stem(self.widths[0], conv, self.dtype, name="stem")(x)
        for stage, (depth, width) in enumerate(zip(self.depths, self.widths, strict=True), start=1):
            if stage > 1:
                x = Downsample(width, conv, self.dtype, name=f"downsample{stage}")(x)
            before = sum(self.depths[: stage - 1])
            for i in range(1, depth + 1):
                x = block(rate * (before + i - 1), name=f"block{stage}_{i}")(x, train)
        return self.classify(layer_norm(dtype=self.dtype, name="norm")(global_avg_pool(x)), "fc")


class Stem(nn.Module):
    """A 4x4 convolution with stride 4, then the norm. Children: `conv`, `norm`."""

    features: int
    conv: ModuleFactory
    dtype: jnp.dtype
    norm: ModuleFactory = layer_norm

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        x = self.conv(self.features, 4, 4, name="conv")(x)
        return self.norm(dtype=self.dtype, name="norm")(x)


class Downsample(nn.Module):
    """The norm, then a 2x2 convolution with stride 2 (section 2.6). Children: `norm`, `conv`."""

    features: int
    conv: ModuleFactory
    dtype: jnp.dtype
    norm: ModuleFactory = layer_norm

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        x = self.norm(dtype=self.dtype, name="norm")(x)
        return self.conv(self.features, 2, 2, name="conv")(x)


class ConvNeXtBlock(nn.Module):
    """Figure 4: depthwise 7x7, norm, two pointwise layers with an activation between, a scale, plus the input.

    Children: `dwconv`, `norm`, `pwconv1`, `grn` with `response_norm`, `pwconv2`; the parameter `layer_scale`, if any.
    `mixer` makes what stands for the depthwise convolution, and has its name.
    """

    stochastic_depth: float
    act: Activation
    dtype: jnp.dtype
    layer_scale: float | None = 1e-6
    response_norm: bool = False
    initial_values: InitialValues = INITIAL
    mixer: ModuleFactory | None = None
    norm: ModuleFactory = layer_norm
    expansion: int = EXPANSION

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        width = x.shape[-1]
        init = self.initial_values
        conv = partial(Conv, kernel_init=init.kernel, bias_init=init.bias, dtype=self.dtype)
        dense = partial(Dense, kernel_init=init.dense_kernel, bias_init=init.dense_bias, dtype=self.dtype)
        mixer = self.mixer or partial(conv, width, 7, padding=3, groups=width)
        y = mixer(name="dwconv")(x)
        y = self.norm(dtype=self.dtype, name="norm")(y)
        y = self.act(dense(self.expansion * width, name="pwconv1")(y))
        if self.response_norm:
            y = GlobalResponseNorm(name="grn")(y)
        y = dense(width, name="pwconv2")(y)
        if self.layer_scale is not None:
            scale = self.param("layer_scale", nn.initializers.constant(self.layer_scale), (width,), jnp.float32)
            y = multiply_broadcast(y, scale.astype(y.dtype))
        return x + stochastic_depth(self.stochastic_depth, train=train)(y)


class GlobalResponseNorm(nn.Module):
    """Woo et al. 2023, section 4: each channel is scaled by its share of all channels' responses, plus the input.

    The response of a channel is the root of the sum of its squares over an image. [b, h, w, c] to [b, h, w, c]. The
    scale and the bias are 0 at first, so that it is the identity.
    """

    epsilon: float = 1e-6

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        scale, bias = (self.param(name, zeros, x.shape[-1:], jnp.float32) for name in ("scale", "bias"))
        wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
        squares = jnp.sum(wide**2, axis=(1, 2), keepdims=True)
        # The derivative of the root is infinite at 0, where a channel has no response at all.
        response = jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1)), 0)
        share = response / (response.mean(axis=-1, keepdims=True) + self.epsilon)
        return (wide + scale * (wide * share) + bias).astype(x.dtype)


def _entry(name: str) -> ModelInfo:
    depths, widths, rate, resized_to, parameters, macs = TABLE[name]
    return ModelInfo(
        name=name,
        build=partial(ConvNeXt, depths=depths, widths=widths, stochastic_depth=rate),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        crop=224 / resized_to,
        stages=_stages(depths),
    )


def _timm_entry(name: str) -> ModelInfo:
    depths, widths, rate, crop, parameters, macs = TIMM_TABLE[name]
    return ModelInfo(
        name=name,
        build=partial(ConvNeXt, depths=depths, widths=widths, stochastic_depth=rate),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        crop=crop,
        interpolation="bicubic",
        stages=_stages(depths),
        differs="" if name == "convnext_xlarge" else "timm's: smaller than those of the paper",
    )


def _v2_entry(name: str) -> ModelInfo:
    depths, widths, rate, size, parameters, macs = V2_TABLE[name]
    v2 = partial(ConvNeXt, layer_scale=None, response_norm=True)
    return ModelInfo(
        name=name,
        build=partial(v2, depths=depths, widths=widths, stochastic_depth=rate, image_shape=(size, size, 3)),
        paper=V2_PAPER,
        parameters=parameters,
        macs=macs,
        input_size=size,
        fit="resize" if size == 224 else "squash",
        crop=0.875 if size == 224 else 1.0,
        interpolation="bicubic",
        stages=_stages(depths),
    )


def _stages(depths: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(f"block{stage}_{depth}" for stage, depth in enumerate(depths, start=1))


ENTRIES = (*map(_entry, TABLE), *map(_timm_entry, TIMM_TABLE), *map(_v2_entry, V2_TABLE))
