"""ConvNeXt: a ResNet modernised with the design choices of vision transformers."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.initializers import InitialValues, Normal
from zoo.kernels.broadcast import multiply_broadcast
from zoo.layers import Activation, Conv, Dense, ModuleFactory, global_avg_pool, stochastic_depth
from zoo.models.field_types import Depths, Probability, Scale, Widths
from zoo.models.network import ModelInfo, Network, Paper, maybe_remat

PAPER = Paper(title="A ConvNet for the 2020s", year=2022, url="https://arxiv.org/abs/2201.03545")

# Blocks and channels of the four stages (section 3), stochastic depth, the size to which torchvision resizes images
# before it crops them to 224, parameters, multiply-adds.
TABLE = {
    "convnext_tiny": ((3, 3, 9, 3), (96, 192, 384, 768), 0.1, 236, 28_589_128, 4_455_531_264),
    "convnext_small": ((3, 3, 27, 3), (96, 192, 384, 768), 0.4, 230, 50_223_688, 8_683_712_256),
    "convnext_base": ((3, 3, 27, 3), (128, 256, 512, 1024), 0.5, 232, 88_591_464, 15_354_729_472),
    "convnext_large": ((3, 3, 27, 3), (192, 384, 768, 1536), 0.5, 232, 197_767_336, 34_361_433_600),
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
    `layer_scale` is the initial scale of the branches (appendix A.1).
    """

    depths: Depths = (3, 3, 9, 3)
    widths: Widths = (96, 192, 384, 768)
    act: Activation = exact_gelu
    stochastic_depth: Probability = 0.1
    layer_scale: Scale = 1e-6
    remat: bool = False
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        init = self.initial_values
        conv = partial(Conv, kernel_init=init.kernel, bias_init=init.bias, dtype=self.dtype)
        made = partial(maybe_remat(ConvNeXtBlock, self.remat), layer_scale=self.layer_scale, initial_values=init)
        block = partial(made, act=self.act, dtype=self.dtype)
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

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        x = self.conv(self.features, 4, 4, name="conv")(x)
        return layer_norm(dtype=self.dtype, name="norm")(x)


class Downsample(nn.Module):
    """The norm, then a 2x2 convolution with stride 2 (section 2.6). Children: `norm`, `conv`."""

    features: int
    conv: ModuleFactory
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        x = layer_norm(dtype=self.dtype, name="norm")(x)
        return self.conv(self.features, 2, 2, name="conv")(x)


class ConvNeXtBlock(nn.Module):
    """Figure 4: depthwise 7x7, norm, two pointwise layers with an activation between, a scale, plus the input.

    Children: `dwconv`, `norm`, `pwconv1`, `pwconv2`, and the parameter `layer_scale`.
    """

    stochastic_depth: float
    act: Activation
    dtype: jnp.dtype
    layer_scale: float = 1e-6
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        width = x.shape[-1]
        init = self.initial_values
        conv = partial(Conv, kernel_init=init.kernel, bias_init=init.bias, dtype=self.dtype)
        dense = partial(Dense, kernel_init=init.dense_kernel, bias_init=init.dense_bias, dtype=self.dtype)
        y = conv(width, 7, padding=3, groups=width, name="dwconv")(x)
        y = layer_norm(dtype=self.dtype, name="norm")(y)
        y = dense(width, name="pwconv2")(self.act(dense(EXPANSION * width, name="pwconv1")(y)))
        scale = self.param("layer_scale", nn.initializers.constant(self.layer_scale), (width,), jnp.float32)
        return x + stochastic_depth(self.stochastic_depth, train=train)(multiply_broadcast(y, scale.astype(y.dtype)))


def _entry(name: str) -> ModelInfo:
    depths, widths, rate, resized_to, parameters, macs = TABLE[name]
    return ModelInfo(
        name=name,
        build=partial(ConvNeXt, depths=depths, widths=widths, stochastic_depth=rate),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        crop=224 / resized_to,
        stages=tuple(f"block{stage}_{depth}" for stage, depth in enumerate(depths, start=1)),
    )


ENTRIES = tuple(_entry(name) for name in TABLE)
