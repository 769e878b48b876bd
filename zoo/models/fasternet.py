"""FasterNet: partial convolutions, which see a quarter of the channels, between pointwise layers."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.initializers import InitialValues, Normal
from zoo.layers import Activation, Conv, ModuleFactory, batch_norm, global_avg_pool, stochastic_depth
from zoo.models.convnext import exact_gelu
from zoo.models.field_types import Depths, Probability, Width
from zoo.models.network import FoldableNetwork, ModelInfo, Paper

PAPER = Paper(
    title="Run, Don't Walk: Chasing Higher FLOPS for Faster Neural Networks",
    year=2023,
    url="https://arxiv.org/abs/2303.03667",
)

# Table 9: channels of the first stage, blocks of the four stages, activation, stochastic depth; parameters,
# multiply-adds.
TABLE: dict[str, tuple[int, tuple[int, ...], Activation, float, int, int]] = {
    "fasternet_t0": (40, (1, 2, 8, 2), exact_gelu, 0.0, 3_905_500, 335_422_720),
    "fasternet_s": (128, (1, 2, 13, 2), nn.relu, 0.1, 31_181_032, 4_549_740_544),
}
PARTIAL = 4  # all channels divided by those of a partial convolution
EXPANSION = 2  # the channels between the two pointwise layers of a block divided by those of its input
HEAD = 1280

INITIAL = InitialValues(kernel=Normal(0.02), dense_kernel=Normal(0.02))  # the authors'


class FasterNet(FoldableNetwork):
    """Chen et al. 2023, Figure 4: a 4x4 stem, four stages of blocks, 2x2 convolutions between, a hidden layer.

    `width` is doubled from stage to stage. The rate of stochastic depth grows linearly from 0 in the first block to
    `stochastic_depth` in the last.
    """

    width: Width = 40
    depths: Depths = (1, 2, 8, 2)
    act: Activation = exact_gelu
    stochastic_depth: Probability = 0.0
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        init = self.initial_values
        conv = self.conv_blocks(self.norm_unless_folded(batch_norm, train=train))
        rate, position = self.stochastic_depth / max(sum(self.depths) - 1, 1), 0
        x = conv(self.width, 4, 4, act=None, name="stem")(x, train)
        for stage, depth in enumerate(self.depths, start=1):
            if stage > 1:
                x = conv(2 * x.shape[-1], 2, 2, act=None, name=f"downsample{stage}")(x, train)
            for i in range(1, depth + 1):
                x = FasterNetBlock(rate * position, conv, init, self.dtype, name=f"block{stage}_{i}")(x, train)
                position += 1
        hidden = Conv(HEAD, 1, use_bias=False, kernel_init=init.kernel, dtype=self.dtype, name="conv_head")
        x = self.act(hidden(global_avg_pool(x)[:, None, None]))
        return self.classify(x[:, 0, 0], "fc")


class FasterNetBlock(nn.Module):
    """Figure 4: a 3x3 convolution of the first quarter of the channels, two pointwise layers, plus the input.

    Children: `partial_conv`, `pwconv1`, which has the block's norm and activation, `pwconv2`.
    """

    stochastic_depth: float
    conv: ModuleFactory
    initial_values: InitialValues
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        width = x.shape[-1]
        plain = partial(Conv, use_bias=False, kernel_init=self.initial_values.kernel, dtype=self.dtype)
        seen, same = jnp.split(x, [width // PARTIAL], axis=-1)
        seen = plain(width // PARTIAL, 3, padding=1, name="partial_conv")(seen)
        y = self.conv(EXPANSION * width, 1, name="pwconv1")(jnp.concatenate([seen, same], axis=-1), train)
        y = plain(width, 1, name="pwconv2")(y)
        return x + stochastic_depth(self.stochastic_depth, train=train)(y)


def _entry(name: str) -> ModelInfo:
    width, depths, act, rate, parameters, macs = TABLE[name]
    return ModelInfo(
        name=name,
        build=partial(FasterNet, width=width, depths=depths, act=act, stochastic_depth=rate),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        crop=1.0,
        interpolation="bicubic",
        stages=tuple(f"block{stage}_{depth}" for stage, depth in enumerate(depths, start=1)),
    )


ENTRIES = tuple(map(_entry, TABLE))
