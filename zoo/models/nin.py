"""Network in Network: 1x1 convolutions after each convolution, and global average pooling instead of dense layers."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.initializers import InitialValues, Normal
from zoo.layers import Dropout, ModuleFactory, avg_pool, global_avg_pool, max_pool
from zoo.models.field_types import LayerNames, Positions, Probability
from zoo.models.network import ModelInfo, Network, Paper

PAPER = Paper(title="Network In Network", year=2013, url="https://arxiv.org/abs/1312.4400")


class MLPConv(NamedTuple):
    """A block ("mlpconv" in the paper): a convolution, two 1x1 convolutions, and the pool that follows.

    `widths_1x1` are the features of the 1x1 convolutions; None is the number of classes.
    """

    features: int
    kernel: int
    stride: int
    padding: int
    widths_1x1: tuple[int, int | None]
    pool: Callable[..., jax.Array] | None


# The comments are the outputs for images of the default size.
IMAGENET = (
    MLPConv(96, 11, 4, 0, (96, 96), max_pool),  # [b, 54, 54, 96], pooled [b, 27, 27, 96]
    MLPConv(256, 5, 1, 2, (256, 256), max_pool),  # [b, 27, 27, 256], pooled [b, 13, 13, 256]
    MLPConv(384, 3, 1, 1, (384, 384), max_pool),  # [b, 13, 13, 384], pooled [b, 6, 6, 384]
    MLPConv(1024, 3, 1, 1, (1024, None), None),  # [b, 6, 6, num_classes]
)
CIFAR10 = (
    MLPConv(192, 5, 1, 2, (160, 96), max_pool),  # [b, 32, 32, 96], pooled [b, 16, 16, 96]
    MLPConv(192, 5, 1, 2, (192, 192), avg_pool),  # [b, 16, 16, 192], pooled [b, 8, 8, 192]
    MLPConv(192, 3, 1, 1, (192, None), None),  # [b, 8, 8, num_classes]
)


# The Caffe model zoo's nin_imagenet and nin_cifar10; the former has three layers with a smaller deviation.
INITIAL = InitialValues(kernel=Normal(0.05))
SMALL_KERNEL = Normal(0.01)


class NiN(Network):
    """Blocks of a convolution and two 1x1 convolutions; the logits are the averages of the last maps.

    `dropout_after` lists the blocks (from 1) after whose pool there is dropout, at the rate `dropout`. The initial
    kernels of the layers `small_kernels` have a deviation of 0.01.
    """

    blocks: tuple[MLPConv, ...] = IMAGENET
    dropout_after: Positions = (3,)
    dropout: Probability = 0.5
    small_kernels: LayerNames = ("conv1", "conv3", "cccp8")
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        for i, block in enumerate(self.blocks, start=1):
            x = self._conv(f"conv{i}")(block.features, block.kernel, block.stride, block.padding)(x)
            for number, width in enumerate(block.widths_1x1, start=2 * i - 1):
                if width or self.num_classes:
                    x = self._conv(f"cccp{number}")(width or self.num_classes, 1)(x)
            if block.pool is not None:
                x = block.pool(x, 3, 2, ceil_mode=True)
            if i in self.dropout_after:
                x = Dropout(self.dropout, deterministic=not train, name=f"dropout{i}")(x)
        return global_avg_pool(x.astype(jnp.float32))

    def _conv(self, name: str) -> ModuleFactory:
        conv = partial(self.conv_blocks(), name=name)
        return partial(conv, kernel_init=SMALL_KERNEL) if name in self.small_kernels else conv


ENTRIES = (
    ModelInfo(
        name="nin",
        build=NiN,
        paper=PAPER,
        parameters=7_595_176,
        std=(1 / 255,) * 3,  # Caffe's: raw pixels, but for their mean
        macs=1_100_188_800,
        stages=("cccp2", "cccp4", "cccp6", "cccp8"),
        differs="the ImageNet network of the Caffe model zoo, which the paper does not describe",
    ),
    ModelInfo(
        name="nin_cifar10",
        build=partial(
            NiN,
            blocks=CIFAR10,
            dropout_after=(1, 2),
            small_kernels=(),
            num_classes=10,
            image_shape=(32, 32, 3),
        ),
        paper=PAPER,
        parameters=966_986,
        macs=222_486_528,
        stages=("cccp2", "cccp4", "cccp6"),
        num_classes=10,
        input_size=32,
    ),
)
