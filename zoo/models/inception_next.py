"""InceptionNeXt: ConvNeXt with a depthwise convolution in four branches, one of which does nothing."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.initializers import InitialValues
from zoo.layers import Activation, Conv, Dense, ModuleFactory, batch_norm, global_avg_pool
from zoo.models.convnext import INITIAL, ConvNeXtBlock, Downsample, Stem, exact_gelu, layer_norm
from zoo.models.field_types import Depths, Fraction, Probability, Scale, Widths, Window
from zoo.models.network import ModelInfo, Network, Paper, maybe_remat

PAPER = Paper(title="InceptionNeXt: When Inception Meets ConvNeXt", year=2023, url="https://arxiv.org/abs/2303.16900")

# Table 2 of the paper, and atto of its program: blocks and channels of the four stages, length of the band kernels,
# share of the channels of each branch, stochastic depth, evaluated share of images, parameters, multiply-adds.
TABLE = {
    "inception_next_atto": ((2, 2, 6, 2), (40, 80, 160, 320), 9, 0.25, 0.1, 0.875, 4_156_520, 503_035_040),
    "inception_next_tiny": ((3, 3, 9, 3), (96, 192, 384, 768), 11, 0.125, 0.1, 0.875, 28_055_680, 4_188_634_272),
    "inception_next_small": ((3, 3, 27, 3), (96, 192, 384, 768), 11, 0.125, 0.3, 0.875, 49_374_016, 8_355_682_080),
    "inception_next_base": ((3, 3, 27, 3), (128, 256, 512, 1024), 11, 0.125, 0.4, 0.95, 86_672_136, 14_841_072_000),
}
EXPANSIONS = (4, 4, 4, 3)  # the channels between the two pointwise layers of a block, divided by those of its input
HEAD_EXPANSION = 3


class InceptionNeXt(Network):
    """Yu et al. 2023: a 4x4 stem, four stages of blocks, 2x2 convolutions between, a head of two linear layers.

    `band` is the length of the band kernels, `branch_share` the share of the channels of each convolving branch. The
    rate of stochastic depth grows linearly from 0 in the first block to `stochastic_depth` in the last. `layer_scale`
    is the initial scale of the branches.
    """

    depths: Depths = (3, 3, 9, 3)
    widths: Widths = (96, 192, 384, 768)
    band: Window = 11
    branch_share: Fraction = 0.125
    act: Activation = exact_gelu
    stochastic_depth: Probability = 0.1
    layer_scale: Scale = 1e-6
    remat: bool = False
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        init = self.initial_values
        norm = partial(batch_norm, train=train)
        conv = partial(Conv, kernel_init=init.kernel, bias_init=init.bias, dtype=self.dtype)
        block = partial(
            maybe_remat(ConvNeXtBlock, self.remat),
            mixer=partial(InceptionDepthwise, self.band, self.branch_share, conv),
            norm=norm,
            layer_scale=self.layer_scale,
            initial_values=init,
            act=self.act,
            dtype=self.dtype,
        )
        rate = self.stochastic_depth / max(sum(self.depths) - 1, 1)
        x = Stem(self.widths[0], conv, self.dtype, norm, name="stem")(x)
        position = 0
        for stage, (depth, width) in enumerate(zip(self.depths, self.widths, strict=True), start=1):
            if stage > 1:
                x = Downsample(width, conv, self.dtype, norm, name=f"downsample{stage}")(x)
            for i in range(1, depth + 1):
                made = block(rate * position, expansion=EXPANSIONS[stage - 1], name=f"block{stage}_{i}")
                x, position = made(x, train), position + 1
        return self._head(global_avg_pool(x))

    def _head(self, x: jax.Array) -> jax.Array:
        init = self.initial_values
        dense = partial(Dense, kernel_init=init.dense_kernel, bias_init=init.dense_bias, dtype=self.dtype)
        x = self.act(dense(HEAD_EXPANSION * x.shape[-1], name="fc1")(x))
        return self.classify(layer_norm(dtype=self.dtype, name="norm")(x), "fc2")


class InceptionDepthwise(nn.Module):
    """Section 3.2: depthwise 3x3, 1 x `band` and `band` x 1 convolutions of a share of the channels each.

    The other channels, the first, stay. Children: `square`, `horizontal`, `vertical`.
    """

    band: int
    share: float
    conv: ModuleFactory

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        width = int(self.share * x.shape[-1])
        conv = partial(self.conv, width, groups=width)
        same, square, horizontal, vertical = jnp.split(x, [x.shape[-1] - n * width for n in (3, 2, 1)], axis=-1)
        branches = [
            same,
            conv(kernel_size=3, padding=1, name="square")(square),
            conv(kernel_size=(1, self.band), padding=(0, self.band // 2), name="horizontal")(horizontal),
            conv(kernel_size=(self.band, 1), padding=(self.band // 2, 0), name="vertical")(vertical),
        ]
        return jnp.concatenate(branches, axis=-1)


def _entry(name: str) -> ModelInfo:
    depths, widths, band, share, rate, crop, parameters, macs = TABLE[name]
    return ModelInfo(
        name=name,
        build=partial(
            InceptionNeXt, depths=depths, widths=widths, band=band, branch_share=share, stochastic_depth=rate
        ),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        crop=crop,
        interpolation="bicubic",
        stages=tuple(f"block{stage}_{depth}" for stage, depth in enumerate(depths, start=1)),
    )


ENTRIES = tuple(map(_entry, TABLE))
