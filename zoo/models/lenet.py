"""LeNet-5, as it is taught and as it was published."""

import math
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.geometry import Size, pair
from zoo.layers import Activation, ConvBlock, adaptive_avg_pool, avg_pool, conv, max_pool
from zoo.models.network import ModelInfo, Network, Paper

PAPER = Paper(
    title="Gradient-Based Learning Applied to Document Recognition",
    year=1998,
    url="http://yann.lecun.com/exdb/publis/pdf/lecun-01a.pdf",
)

# LeCun et al. 1998, Table I: which of S2's six maps each of C3's sixteen sees.
C3_INPUTS = (
    *((i, (i + 1) % 6, (i + 2) % 6) for i in range(6)),
    *((i, (i + 1) % 6, (i + 2) % 6, (i + 3) % 6) for i in range(6)),
    *((i, (i + 1) % 6, (i + 3) % 6, (i + 4) % 6) for i in range(3)),
    tuple(range(6)),
)

# The 7x12 targets of the output layer, drawn after the digits of the paper's Figure 3.
DIGITS = """
....... ....... ....... ....... ....... ....... ....... ....... ....... .......
..###.. ...#... ..###.. #####.. .....#. ####### ..####. ####### .#####. ..####.
.#...#. .###... .#...#. ....##. ....##. #...... .#...#. #.....# #.....# .#...##
#.....# ...#... #.....# .....## ...#.#. #...... #...... ......# #.....# #.....#
#.....# ...#... ......# .....## ..#..#. #...... #...... .....#. #.....# #.....#
#.....# ...#... .....## ....##. .#...#. #####.. #.###.. ....#.. .#####. #....##
#.....# ...#... ....##. ..###.. #....#. ....##. ##...#. ...#... #.....# .####.#
#.....# ...#... ...##.. ....##. ####### .....## #.....# ..#.... #.....# ......#
#.....# ...#... ..##... .....## .....#. ......# #.....# ..#.... #.....# ......#
.#...#. ...#... .##.... .....## .....#. #....## #.....# ..#.... #.....# .#...#.
..###.. .#####. ####### #####.. .....#. .#####. .#####. ..#.... .#####. ..###..
....... ....... ....... ....... ....... ....... ....... ....... ....... .......
"""


def scaled_tanh(x: jax.Array) -> jax.Array:
    """1.7159 tanh(2x / 3): the paper's Appendix A."""
    return 1.7159 * jnp.tanh(x * (2 / 3))


def uniform_by_fan_in(key: jax.Array, shape: tuple[int, ...], dtype=jnp.float32) -> jax.Array:
    """Uniform within 2.4 / fan-in, the paper's Appendix A; the last axis of `shape` is not part of the fan-in."""
    bound = 2.4 / math.prod(shape[:-1])
    return jax.random.uniform(key, shape, dtype, -bound, bound)


class LeNet5(Network):
    """The LeNet-5 of today's courses: dense C3, max pooling, ReLU and a linear last layer."""

    image_shape: tuple[int, int, int] = (32, 32, 1)
    num_classes: int = 10

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        conv = partial(ConvBlock, kernel_size=5, act=self.act, dtype=self.dtype)
        x = max_pool(conv(6, name="c1")(x), 2)
        x = max_pool(conv(16, name="c3")(x), 2)
        x = _flat_5x5(conv(120, name="c5"), x)
        x = self.act(nn.Dense(84, dtype=self.dtype, name="f6")(x))
        return self.classify(x, "output")


class LeNet5Of1998(Network):
    """LeNet-5 as published: sparse C3, trainable subsampling, scaled tanh, distances to fixed 7x12 bitmaps.

    The logits are the negated distances, so that softmax cross-entropy is the paper's criterion (9) without its
    constant. Other numbers of classes than ten get random codes of -1 and 1, as its section II.C suggests.
    """

    image_shape: tuple[int, int, int] = (32, 32, 1)
    num_classes: int = 10
    act: Activation = scaled_tanh

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        init = uniform_by_fan_in
        conv = partial(ConvBlock, kernel_size=5, act=self.act, kernel_init=init, dtype=self.dtype)
        x = conv(6, name="c1")(x)
        x = self.act(Subsampling(dtype=self.dtype, name="s2")(x))
        x = self.act(SparseConv(C3_INPUTS, 5, kernel_init=init, dtype=self.dtype, name="c3")(x))
        x = self.act(Subsampling(dtype=self.dtype, name="s4")(x))
        x = _flat_5x5(conv(120, name="c5"), x)
        x = self.act(nn.Dense(84, dtype=self.dtype, kernel_init=init, name="f6")(x))
        x = x.astype(jnp.float32)
        if not self.num_classes:
            return x
        return -jnp.square(x[:, None] - class_codes(self.num_classes)).sum(axis=-1)


def _flat_5x5(c5: ConvBlock, x: jax.Array) -> jax.Array:
    """C5 sees all of a 5x5 map; maps of larger images are averaged down to that."""
    return c5(adaptive_avg_pool(x, 5)).reshape(x.shape[0], -1)


class Subsampling(nn.Module):
    """Sum of each 2x2 window, times one trainable coefficient a map, plus one bias a map: S2 and S4 of the paper."""

    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        maps = (x.shape[-1],)
        coefficient = self.param("coefficient", nn.initializers.constant(0.25), maps)
        bias = self.param("bias", nn.initializers.zeros, maps)
        return 4 * avg_pool(x, 2) * coefficient.astype(self.dtype) + bias.astype(self.dtype)


class SparseConv(nn.Module):
    """Convolution whose output map i sees the input maps `inputs[i]` alone: C3 of the paper.

    The kernel is [kh, kw, connections], one filter a connection, in the order of `inputs`.
    """

    inputs: tuple[tuple[int, ...], ...]
    kernel_size: Size
    kernel_init: nn.initializers.Initializer = nn.initializers.he_normal()
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        sources = jnp.array([source for sources in self.inputs for source in sources])
        targets = jnp.array([target for target, sources in enumerate(self.inputs) for _ in sources])
        size, features = pair(self.kernel_size), len(self.inputs)

        def draw(key: jax.Array) -> jax.Array:
            fan_in = (*size, len(sources) // features)
            return self.kernel_init(key, (*fan_in, len(sources)), jnp.float32)[:, :, 0]

        filters = self.param("kernel", draw)
        bias = self.param("bias", nn.initializers.zeros, (features,))
        kernel = jnp.zeros((*size, x.shape[-1], features)).at[:, :, sources, targets].set(filters)
        return conv(*nn.dtypes.promote_dtype(x, kernel, bias, dtype=self.dtype))


def class_codes(num_classes: int) -> jax.Array:
    """[num_classes, 84] of -1 and 1: the target of F6 for each class."""
    if num_classes != 10:
        return jax.random.rademacher(jax.random.key(1998), (num_classes, 84), jnp.float32)
    rows = [line.split() for line in DIGITS.split("\n") if line]
    drawn = ["".join(row[digit] for row in rows) for digit in range(10)]
    return jnp.array([[1.0 if mark == "#" else -1.0 for mark in bitmap] for bitmap in drawn])


MNIST_MEAN, MNIST_STD = (0.1307,), (0.3081,)
# The paper, section II.B: background -0.1, foreground 1.175.
PAPER_MEAN, PAPER_STD = (0.1 / 1.275,), (1 / 1.275,)

ENTRIES = (
    ModelInfo(
        name="lenet5",
        build=LeNet5,
        paper=PAPER,
        parameters=61_706,
        macs=416_520,
        stages=("c1", "c3", "c5"),
        num_classes=10,
        input_size=32,
        channels=1,
        mean=MNIST_MEAN,
        std=MNIST_STD,
        differs="C3 sees all of S2; max pooling and ReLU; a linear last layer",
    ),
    ModelInfo(
        name="lenet5_1998",
        build=LeNet5Of1998,
        paper=PAPER,
        parameters=60_000,
        macs=415_680,
        stages=("c1", "c3", "c5"),
        num_classes=10,
        input_size=32,
        channels=1,
        mean=PAPER_MEAN,
        std=PAPER_STD,
        differs="the bitmaps of the output layer are drawn after Figure 3; C3 is computed densely",
    ),
)
