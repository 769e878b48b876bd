"""GoogLeNet as in a tutorial, with Flax's layers: torchvision's layout, and the names of `googlenet_tv`."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.models.googlenet import INCEPTIONS, POOL_AFTER


class Block(nn.Module):
    """Convolution, batch norm, ReLU."""

    features: int
    size: int
    stride: int = 1

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        sizes, strides = (self.size, self.size), (self.stride, self.stride)
        x = nn.Conv(self.features, sizes, strides, padding=self.size // 2, use_bias=False, name="conv")(x)
        x = nn.BatchNorm(use_running_average=not train, momentum=0.9, epsilon=1e-3, name="bn")(x)
        return nn.relu(x)


class Chain(nn.Module):
    """Blocks one after the other, by name."""

    blocks: tuple[tuple[str, int, int, int], ...]

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        for name, features, size, stride in self.blocks:
            x = Block(features, size, stride, name=name)(x, train)
        return x


class Inception(nn.Module):
    """Four branches, joined."""

    widths: tuple[int, ...]

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        one, three_reduce, three, five_reduce, five, proj = self.widths
        pooled = nn.max_pool(x, (3, 3), (1, 1), padding=((1, 1), (1, 1)))
        branches = [
            Block(one, 1, name="1x1")(x, train),
            Block(three, 3, name="3x3")(Block(three_reduce, 1, name="3x3_reduce")(x, train), train),
            Block(five, 3, name="5x5")(Block(five_reduce, 1, name="5x5_reduce")(x, train), train),
            Block(proj, 1, name="pool_proj")(pooled, train),
        ]
        return jnp.concatenate(branches, axis=-1)


class Head(nn.Module):
    """The classifier, one level down as in `googlenet_tv`."""

    num_classes: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return nn.Dense(self.num_classes, name="classifier")(x)


class GoogLeNet(nn.Module):
    """For images of 224 pixels: pools round up, which takes a row and a column of padding at the end."""

    num_classes: int = 1000
    dropout: float = 0.2

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        def halve(x: jax.Array, size: int = 3) -> jax.Array:
            end = (0, 1) if size == 3 else (0, 0)
            return nn.max_pool(x, (size, size), (2, 2), padding=(end, end))

        x = halve(Chain((("7x7_s2", 64, 7, 2),), name="conv1")(x, train))
        x = halve(Chain((("3x3_reduce", 64, 1, 1), ("3x3", 192, 3, 1)), name="conv2")(x, train))
        for name, widths in INCEPTIONS.items():
            x = Inception(widths, name=f"inception_{name}")(x, train)
            if name in POOL_AFTER:
                x = halve(x, 2 if name == "4e" else 3)
        x = nn.Dropout(self.dropout, deterministic=not train)(x.mean(axis=(1, 2)))
        return Head(self.num_classes, name="loss3")(x)
