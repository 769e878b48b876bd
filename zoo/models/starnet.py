"""StarNet: the product of two linear layers, the star operation, instead of wide layers."""

from functools import partial

import flax.linen as nn
import jax

from zoo.initializers import InitialValues, Normal, torch_default_bias
from zoo.layers import Activation, ModuleFactory, batch_norm, global_avg_pool, stochastic_depth
from zoo.models.field_types import Depths, Probability, Width
from zoo.models.network import ModelInfo, Network, Paper

PAPER = Paper(title="Rewrite the Stars", year=2024, url="https://arxiv.org/abs/2403.19967")

# Section 4.1: channels of the first stage, blocks of the four stages; parameters, multiply-adds.
TABLE = {
    "starnet_s1": (24, (2, 2, 8, 3), 2_869_168, 421_877_376),
    "starnet_s4": (32, (3, 3, 12, 5), 7_482_728, 1_049_561_600),
}
STEM = 32
EXPANSION = 4  # the channels of the factors divided by those of a block

INITIAL = InitialValues(kernel=Normal(0.02), bias=torch_default_bias, dense_kernel=Normal(0.02))  # the authors'


class StarNet(Network):
    """Ma et al. 2024, Figure 3: a stem and four stages, each a 3x3 convolution with stride 2 and blocks.

    `width` is doubled from stage to stage. The rate of stochastic depth grows linearly from 0 in the first block to
    `stochastic_depth` in the last.
    """

    width: Width = 24
    depths: Depths = (2, 2, 8, 3)
    act: Activation = jax.nn.relu6
    stochastic_depth: Probability = 0.0
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        conv = partial(self.conv_blocks(batch_norm), use_bias=True)
        rate, position = self.stochastic_depth / max(sum(self.depths) - 1, 1), 0
        x = conv(STEM, 3, 2, padding=1, name="stem")(x, train)
        for stage, depth in enumerate(self.depths, start=1):
            width = self.width * 2 ** (stage - 1)
            x = conv(width, 3, 2, padding=1, act=None, name=f"downsample{stage}")(x, train)
            for i in range(1, depth + 1):
                x = StarBlock(rate * position, conv, self.act, name=f"block{stage}_{i}")(x, train)
                position += 1
        x = batch_norm(train=train, dtype=self.dtype, name="norm")(x)
        return self.classify(global_avg_pool(x), "fc")


class StarBlock(nn.Module):
    """Figure 3: depthwise 7x7, act(f1) * f2, projection g, depthwise 7x7, plus the input.

    Children: `dwconv`, `f1`, `f2`, `g`, `dwconv2`; the first and `g` have a norm.
    """

    stochastic_depth: float
    conv: ModuleFactory
    act: Activation

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        width = x.shape[-1]
        conv = partial(self.conv, act=None)
        depthwise = partial(conv, width, 7, padding=3, groups=width)
        y = depthwise(name="dwconv")(x, train)
        factors = [conv(EXPANSION * width, 1, norm=None, name=name)(y, train) for name in ("f1", "f2")]
        y = conv(width, 1, name="g")(self.act(factors[0]) * factors[1], train)
        y = depthwise(norm=None, name="dwconv2")(y, train)
        return x + stochastic_depth(self.stochastic_depth, train=train)(y)


def _entry(name: str) -> ModelInfo:
    width, depths, parameters, macs = TABLE[name]
    blocks = tuple(f"block{stage}_{depth}" for stage, depth in enumerate(depths, start=1))
    return ModelInfo(
        name=name,
        build=partial(StarNet, width=width, depths=depths),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        interpolation="bicubic",
        stages=("stem", *blocks),
        pyramid=blocks,
    )


ENTRIES = tuple(map(_entry, TABLE))
