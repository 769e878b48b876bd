"""airbench: networks of 3x3 convolutions, made to reach 94, 95 and 96 % on CIFAR-10 in a short training."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.initializers import IdentityOfChannels, InitialValues, LayerInitializer, torch_default
from zoo.layers import Activation, Conv, ModuleFactory, batch_norm, max_pool
from zoo.models.cifar_record import cifar_record
from zoo.models.convnext import exact_gelu
from zoo.models.field_types import Depth, Momentum, Scale, Widths, Window
from zoo.models.network import ModelInfo, Network, Paper

PAPER = Paper(
    title="94% on CIFAR-10 in 3.29 Seconds on a Single GPU", year=2024, url="https://arxiv.org/abs/2404.00498"
)
# The author's programs, airbench94.py to airbench96.py of github.com/KellerJordan/cifar10-airbench; the last as of
# 13 June 2024, whose 31 epochs replaced the paper's 40.
INITIAL = InitialValues(kernel=IdentityOfChannels(torch_default), dense_kernel=torch_default)
# The widths of the blocks, the convolutions of each, the decay of running statistics; parameters, multiply-adds.
TABLE = {
    "airbench94": ((64, 256, 256), 2, 0.6, 1_971_640, 118_147_360),
    "airbench95": ((128, 384, 384), 2, 0.6, 4_604_728, 301_560_864),
    "airbench96": ((128, 512, 512), 3, 0.9, 12_717_752, 615_201_056),
}
DIFFERS = "the first convolution is learned; in the paper it keeps filters that whiten the training images"
# The paper's, of CIFAR-10.
STD = (0.247, 0.2435, 0.2616)


class Airbench(Network):
    """Jordan 2024, section 3.1: a convolution without padding, then blocks of 3x3 convolutions.

    The first convolution has two filters for each value of its patch, of `patch` x `patch` pixels. The author fills
    them with filters that whiten the training images, and keeps them; here they are learned. The last pool takes the
    maximum of each map, which is the author's pool of 3x3 for images of 25 to 32 pixels.
    """

    widths: Widths = (64, 256, 256)
    depth: Depth = 2
    patch: Window = 2
    momentum: Momentum = 0.6
    logit_scale: Scale = 1 / 9
    act: Activation = exact_gelu
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        # The comments are the outputs for 32x32 images of three channels, with the default widths.
        init = self.initial_values
        filters = 2 * self.patch**2 * x.shape[-1]
        first = partial(Conv, kernel_init=torch_default, bias_init=init.bias, dtype=self.dtype, name="whiten")
        x = self.act(first(filters, self.patch)(x))  # [b, 31, 31, 24]
        norm = partial(batch_norm, train=train, use_scale=False, epsilon=1e-12, momentum=self.momentum)
        for i, width in enumerate(self.widths, start=1):
            block = AirbenchBlock(width, self.depth, norm, self.act, init.kernel, self.dtype, name=f"block{i}")
            x = block(x)  # [b, 15, 15, 64], [b, 7, 7, 256], [b, 3, 3, 256]
        x = self.classify(x.max((1, 2)), "head", use_bias=False)
        return x * self.logit_scale if self.num_classes else x


class AirbenchBlock(nn.Module):
    """`depth` 3x3 convolutions; a 2x2 pool after the first of them, before its norm.

    With three or more, those after the first are a residual branch, whose last activation is behind the sum.
    """

    features: int
    depth: int
    norm: ModuleFactory
    act: Activation
    kernel_init: LayerInitializer
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        conv = partial(
            Conv, self.features, 3, padding=1, use_bias=False, kernel_init=self.kernel_init, dtype=self.dtype
        )
        norm = partial(self.norm, dtype=self.dtype)
        x = max_pool(conv(name="conv1")(x), 2)
        shortcut = x = self.act(norm(name="norm1")(x))
        for i in range(2, self.depth + 1):
            x = norm(name=f"norm{i}")(conv(name=f"conv{i}")(x))
            if i == self.depth > 2:
                x = x + shortcut
            x = self.act(x)
        return x


def _entry(name: str) -> ModelInfo:
    widths, depth, momentum, parameters, macs = TABLE[name]
    after_the_sum = "; the last activation of a block is behind its sum, as in the author's program since June 2024"
    return cifar_record(
        name,
        partial(Airbench, widths=widths, depth=depth, momentum=momentum),
        PAPER,
        parameters=parameters,
        macs=macs,
        stages=("block1", "block2", "block3"),
        std=STD,
        differs=DIFFERS + after_the_sum * (depth > 2),
    )


ENTRIES = tuple(map(_entry, TABLE))
