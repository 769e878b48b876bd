"""airbench: plain networks for CIFAR-10 that reach 94, 95 and 96 % in the least time."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.geometry import pair
from zoo.initializers import IdentityOfChannels, InitialValues, LayerInitializer, torch_default
from zoo.initializers import torch_default_bias as torch_bias
from zoo.layers import Activation, Conv, batch_norm, max_pool
from zoo.models.cifar_record import cifar_record
from zoo.models.convnext import exact_gelu
from zoo.models.field_types import Depth, Scale, Widths, Window
from zoo.models.network import ModelInfo, Network, Paper

PAPER = Paper(
    title="94% on CIFAR-10 in 3.29 Seconds on a Single GPU", year=2024, url="https://arxiv.org/abs/2404.00498"
)
# The author's programs, airbench94.py to airbench96.py of github.com/KellerJordan/cifar10-airbench.
INITIAL = InitialValues(kernel=IdentityOfChannels(torch_default), bias=torch_bias, dense_kernel=torch_default)
# The widths of the blocks, the convolutions of each; parameters, multiply-adds.
TABLE = {
    "airbench94": ((64, 256, 256), 2, 1_971_640, 118_147_360),
    "airbench95": ((128, 384, 384), 2, 4_604_728, 301_560_864),
    "airbench96": ((128, 512, 512), 3, 12_717_752, 615_201_056),
}
norm = partial(batch_norm, use_scale=False, epsilon=1e-12, momentum=0.6)


class Airbench(Network):
    """Jordan 2024, section 3.1: a convolution without padding, then blocks of 3x3 convolutions.

    The first convolution has two filters for each value of its patch, of `patch` x `patch` pixels. The author fills
    them with filters that whiten the training images, and keeps them; here they are learned. The last pool takes the
    maximum of each map, which is the author's pool of 3x3 for images of 25 to 32 pixels.
    """

    widths: Widths = (64, 256, 256)
    depth: Depth = 2
    patch: Window = 2
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
        for i, width in enumerate(self.widths, start=1):
            block = AirbenchBlock(width, self.depth, self.act, init.kernel, self.dtype, name=f"block{i}")
            x = block(x, train)  # [b, 15, 15, 64], [b, 7, 7, 256], [b, 3, 3, 256]
        x = max_pool(x, pair(x.shape[1:3]))[:, 0, 0]
        logits_or_features = self.classify(x, "head", use_bias=False)
        return logits_or_features * self.logit_scale if self.num_classes else logits_or_features


class AirbenchBlock(nn.Module):
    """`depth` 3x3 convolutions; a 2x2 pool after the first of them, before its norm.

    From the third on, those after the first are a residual branch (the program of airbench96).
    """

    features: int
    depth: int
    act: Activation
    kernel_init: LayerInitializer
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        conv = partial(
            Conv, self.features, 3, padding=1, use_bias=False, kernel_init=self.kernel_init, dtype=self.dtype
        )
        normalize = partial(norm, train=train, dtype=self.dtype)
        x = max_pool(conv(name="conv1")(x), 2)
        shortcut = x = self.act(normalize(name="norm1")(x))
        for i in range(2, self.depth + 1):
            x = normalize(name=f"norm{i}")(conv(name=f"conv{i}")(x))
            if i == self.depth > 2:
                x = x + shortcut
            x = self.act(x)
        return x


def _entry(name: str) -> ModelInfo:
    widths, depth, parameters, macs = TABLE[name]
    return cifar_record(
        name,
        partial(Airbench, widths=widths, depth=depth),
        PAPER,
        parameters=parameters,
        macs=macs,
        stages=("block1", "block2", "block3"),
        differs="the first convolution is learned; in the paper it keeps filters that whiten the training images",
    )


ENTRIES = tuple(map(_entry, TABLE))
