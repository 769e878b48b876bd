"""Inception v2 (BN-Inception): GoogLeNet with batch normalisation and two 3x3 convolutions for the 5x5.

And what the later Inceptions share with it: `Layer` and `Branches`, which turn a table of branches into a module.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.geometry import Padding, Size, pair
from zoo.layers import ConvBlock, avg_pool, batch_norm, global_avg_pool, max_pool
from zoo.models.googlenet import ConvChain
from zoo.models.network import ModelInfo, Network, Paper

PAPER = Paper(
    title="Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift",
    year=2015,
    url="https://arxiv.org/abs/1502.03167",
)

# The paper's Figure 5: 1x1, 3x3 reduce, 3x3, double 3x3 reduce, double 3x3, pool, its projection.
# The modules without a projection ("pass through") have stride 2.
INCEPTIONS = {
    "3a": (64, 64, 64, 64, 96, "average", 32),
    "3b": (64, 64, 96, 64, 96, "average", 64),
    "3c": (0, 128, 160, 64, 96, "max", 0),
    "4a": (224, 64, 96, 96, 128, "average", 128),
    "4b": (192, 96, 128, 96, 128, "average", 128),
    "4c": (160, 128, 160, 128, 160, "average", 96),
    "4d": (96, 128, 192, 160, 192, "average", 96),
    "4e": (0, 128, 192, 192, 256, "max", 0),
    "5a": (352, 192, 320, 160, 224, "average", 128),
    "5b": (352, 192, 320, 192, 224, "max", 128),
}
CAFFE_INCEPTIONS = {
    **INCEPTIONS,
    "4c": (160, 128, 160, 128, 160, "average", 128),
    "4d": (96, 128, 192, 160, 192, "average", 128),
}
STAGES = ("conv1", "conv2", "inception_3b", "inception_4d", "inception_5b")


@dataclass(frozen=True)
class Layer:
    """A convolution of a branch; unless `padding` is given it is padded by half its kernel."""

    name: str
    features: int
    kernel: Size
    stride: int = 1
    padding: Padding | None = None


# What a branch does one after the other: a convolution, "average" (the 3x3/1 pool, where libraries differ in whether
# padding counts), another pool as a function, or a fork into branches that are joined again.
Step = Layer | str | Callable[[jax.Array], jax.Array] | tuple
Branch = tuple[Step, ...]


def run_branch(
    branch: Branch, x: jax.Array, train: bool, conv: Callable[..., nn.Module], count_include_pad: bool
) -> jax.Array:
    """The steps of a branch, its convolutions as submodules of whichever module calls this."""
    for step in branch:
        match step:
            case Layer():
                kernel = pair(step.kernel)
                padding = (kernel[0] // 2, kernel[1] // 2) if step.padding is None else step.padding
                x = conv(step.features, kernel, step.stride, padding, name=step.name)(x, train)
            case "average":
                x = avg_pool(x, 3, 1, padding=1, count_include_pad=count_include_pad)
            case tuple():
                x = jnp.concatenate([run_branch(fork, x, train, conv, count_include_pad) for fork in step], axis=-1)
            case _:
                x = step(x)
    return x


class Branches(nn.Module):
    """An Inception module: branches side by side, joined along the channels. `conv` makes the convolution blocks."""

    branches: tuple[Branch, ...]
    conv: Callable[..., nn.Module]
    count_include_pad: bool = True

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        return run_branch((self.branches,), x, train, self.conv, self.count_include_pad)


# Caffe's pool without padding, rounded up, where maps are even; odd maps get the size that the convolutions make.
max_pool_3_2 = partial(max_pool, window=3, stride=2, padding=((0, 2), (0, 2)))


def inception(
    one: int, reduce_3x3: int, three: int, reduce_double: int, double: int, pool: str, pool_proj: int
) -> tuple[Branch, ...]:
    """A row of the table as branches."""
    stride = 1 if pool_proj else 2
    branches: list[Branch] = [
        (Layer("3x3_reduce", reduce_3x3, 1), Layer("3x3", three, 3, stride)),
        (
            Layer("double_3x3_reduce", reduce_double, 1),
            Layer("double_3x3_1", double, 3),
            Layer("double_3x3_2", double, 3, stride),
        ),
    ]
    if not pool_proj:
        return (*branches, (max_pool_3_2,))
    step = partial(max_pool, window=3, stride=1, padding=1) if pool == "max" else pool
    return ((Layer("1x1", one, 1),), *branches, (step, Layer("pool_proj", pool_proj, 1)))


class InceptionV2(Network):
    """Ioffe and Szegedy 2015, Figure 5, with Caffe's padding and pools.

    `conv_bias` gives the convolutions biases beside batch normalisation's, as the Caffe release has.
    """

    conv_bias: bool = False
    inceptions: tuple[tuple[str, tuple], ...] = tuple(INCEPTIONS.items())

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        conv = partial(ConvBlock, norm=batch_norm, use_bias=self.conv_bias, act=self.act, dtype=self.dtype)
        x = ConvChain((("7x7_s2", 64, 7, 2),), conv, name="conv1")(x, train=train)
        x = max_pool(x, 3, 2, ceil_mode=True)
        x = ConvChain((("3x3_reduce", 64, 1, 1), ("3x3", 192, 3, 1)), conv, name="conv2")(x, train=train)
        x = max_pool(x, 3, 2, ceil_mode=True)
        for name, row in self.inceptions:
            x = Branches(inception(*row), conv, name=f"inception_{name}")(x, train)
        return self.classify(global_avg_pool(x), "fc")


ENTRIES = (
    ModelInfo(
        name="inception_v2",
        build=InceptionV2,
        paper=PAPER,
        parameters=11_194_984,
        macs=2_018_851_840,
        stages=STAGES,
        differs="a plain 7x7 convolution where the paper's first is separable (depth multiplier 8); Caffe's padding",
    ),
    ModelInfo(
        name="inception_v2_caffe",
        build=partial(InceptionV2, conv_bias=True, inceptions=tuple(CAFFE_INCEPTIONS.items())),
        paper=PAPER,
        parameters=11_295_240,
        macs=2_032_600_064,
        mean=(128 / 255, 117 / 255, 104 / 255),
        std=(1 / 255, 1 / 255, 1 / 255),
        stages=STAGES,
        differs="the Caffe release's (Cadene, pytorchcv): biases beside batch normalisation, pool projections of 128 "
        "in 4c and 4d, a plain first convolution",
    ),
)
