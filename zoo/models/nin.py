"""Network in Network: 1x1 convolutions after each convolution, and global average pooling instead of dense layers."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.geometry import Padding
from zoo.layers import ConvBlock, avg_pool, global_avg_pool, max_pool
from zoo.models.network import ModelInfo, Network, Paper

PAPER = Paper(title="Network In Network", year=2013, url="https://arxiv.org/abs/1312.4400")

# A row a block: features, kernel, stride and padding of its convolution, features of its two 1x1 convolutions
# (None: the number of classes), the pool that follows.
IMAGENET = (
    (96, 11, 4, 0, (96, 96), max_pool),
    (256, 5, 1, 2, (256, 256), max_pool),
    (384, 3, 1, 1, (384, 384), max_pool),
    (1024, 3, 1, 1, (1024, None), None),
)
CIFAR10 = (
    (192, 5, 1, 2, (160, 96), max_pool),
    (192, 5, 1, 2, (192, 192), avg_pool),
    (192, 3, 1, 1, (192, None), None),
)


class NiN(Network):
    """Blocks of a convolution and two 1x1 convolutions; the last 1x1's maps, averaged, are the logits.

    `dropout_after` lists the blocks (from 1) whose pooled maps are dropped out, at rate `dropout`.
    """

    blocks: tuple = IMAGENET
    dropout_after: tuple[int, ...] = (3,)
    dropout: float = 0.5

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        cccp = 0
        for i, (features, kernel, stride, padding, mlp, pool) in enumerate(self.blocks, start=1):
            x = self._conv(features, kernel, stride, padding, f"conv{i}")(x)
            for width in mlp:
                cccp += 1
                if width is None and not self.num_classes:
                    continue
                x = self._conv(width or self.num_classes, 1, 1, 0, f"cccp{cccp}")(x)
            if pool is not None:
                x = pool(x, 3, 2, ceil_mode=True)
            if i in self.dropout_after:
                x = nn.Dropout(self.dropout, deterministic=not train, name=f"dropout{i}")(x)
        return global_avg_pool(x).astype(jnp.float32)

    def _conv(self, features: int, kernel: int, stride: int, padding: Padding, name: str) -> ConvBlock:
        return ConvBlock(features, kernel, stride, padding, act=self.act, dtype=self.dtype, name=name)


ENTRIES = (
    ModelInfo(
        name="nin",
        build=NiN,
        paper=PAPER,
        parameters=7_595_176,
        macs=1_100_188_800,
        stages=("cccp2", "cccp4", "cccp6", "cccp8"),
        differs="the ImageNet network of the Caffe model zoo, which the paper does not describe",
    ),
    ModelInfo(
        name="nin_cifar10",
        build=partial(NiN, blocks=CIFAR10, dropout_after=(1, 2), num_classes=10, image_shape=(32, 32, 3)),
        paper=PAPER,
        parameters=966_986,
        macs=222_486_528,
        stages=("cccp2", "cccp4", "cccp6"),
        num_classes=10,
        input_size=32,
    ),
)
