"""ResNet v2: blocks that normalise and activate before each convolution, so that shortcuts stay clean."""

from collections.abc import Callable
from functools import partial

import flax.linen as nn
import jax

from zoo.layers import Activation, Conv, batch_norm, global_avg_pool, max_pool, stochastic_depth
from zoo.models.network import ModelInfo, Network, Paper, block_class
from zoo.models.resnet import DEPTHS, EXPANSION, block_places, stages_of

PAPER = Paper(title="Identity Mappings in Deep Residual Networks", year=2016, url="https://arxiv.org/abs/1603.05027")

# Depth, parameters, multiply-adds.
TABLE = {
    "resnet50v2": (50, 25_549_352, 4_089_184_256),
    "resnet101v2": (101, 44_541_480, 7_801_405_440),
    "resnet152v2": (152, 60_185_128, 11_513_626_624),
}


class ResNetV2(Network):
    """He et al. 2016, Figure 1(b), with bottlenecks, as timm's resnetv2.py has it.

    `stochastic_depth` is the last block's rate, 0 the first's. With `small_images` (CIFAR) the stem is a 3x3
    convolution of stride 1 without a pool.
    """

    depths: tuple[int, ...] = DEPTHS[50]
    small_images: bool = False
    stochastic_depth: float = 0.0
    dropout: float = 0.0
    remat: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        conv = partial(Conv, use_bias=False, dtype=self.dtype)
        norm = partial(batch_norm, dtype=self.dtype)
        if self.small_images:
            x = conv(64, 3, padding=1, name="conv1")(x)
        else:
            x = max_pool(conv(64, 7, 2, padding=3, name="conv1")(x), 3, 2, padding=1)
        block = block_class(PreActivationBlock, self.remat)
        for name, width, stride, rate in block_places(self.depths, self.stochastic_depth):
            project = name.endswith("_1")
            x = block(width, stride, project, conv, norm, self.act, rate, name=name)(x, train)
        x = global_avg_pool(self.act(norm(train=train, name="bn")(x)))
        x = nn.Dropout(self.dropout, deterministic=not train, name="dropout")(x)
        return self.classify(x, "fc")


class PreActivationBlock(nn.Module):
    """Norm and activation before each of 1x1, 3x3, 1x1; a projected shortcut starts from the first activation."""

    width: int
    stride: int
    project: bool
    conv: Callable[..., nn.Module]
    norm: Callable[..., nn.Module]
    act: Activation
    stochastic_depth: float

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        def activated(x: jax.Array, name: str) -> jax.Array:
            return self.act(self.norm(train=train, name=name)(x))

        y = activated(x, "bn1")
        if self.project:
            x = self.conv(EXPANSION * self.width, 1, self.stride, name="downsample")(y)
        y = activated(self.conv(self.width, 1, name="conv1")(y), "bn2")
        y = activated(self.conv(self.width, 3, self.stride, padding=1, name="conv2")(y), "bn3")
        y = self.conv(EXPANSION * self.width, 1, name="conv3")(y)
        return x + stochastic_depth(self.stochastic_depth, train=train)(y)


def _entry(name: str) -> ModelInfo:
    depth, parameters, macs = TABLE[name]
    return ModelInfo(
        name=name,
        build=partial(ResNetV2, depths=DEPTHS[depth]),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        stages=stages_of(DEPTHS[depth]),
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        crop=0.95,
        interpolation="bicubic",
        differs="timm's: no norm between conv1 and its pool, a block's stride is its 3x3 convolution's",
    )


ENTRIES = tuple(map(_entry, TABLE))
