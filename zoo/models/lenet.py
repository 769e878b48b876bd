"""LeNet-5: the version that is taught today, and the published one."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.geometry import Size, pair
from zoo.initializers import (
    InitialValues,
    LayerInitializer,
    Uniform,
    UniformByFanIn,
    caffe_xavier,
    for_layer,
    he_truncated_normal,
)
from zoo.kernels.broadcast import add_broadcast, multiply_broadcast
from zoo.layers import Activation, Dense, adaptive_avg_pool, avg_pool, conv, max_pool
from zoo.models.field_types import ClassCount
from zoo.models.network import ModelInfo, Network, Paper
from zoo.runtime.record_types import ImageShape

PAPER = Paper(
    title="Gradient-Based Learning Applied to Document Recognition",
    year=1998,
    url="http://yann.lecun.com/exdb/publis/pdf/lecun-01a.pdf",
)

# LeCun et al. 1998, Table I: the maps of S2 (six) that are the inputs of each map of C3 (sixteen).
C3_INPUTS = (
    *((i, (i + 1) % 6, (i + 2) % 6) for i in range(6)),
    *((i, (i + 1) % 6, (i + 2) % 6, (i + 3) % 6) for i in range(6)),
    *((i, (i + 1) % 6, (i + 3) % 6, (i + 4) % 6) for i in range(3)),
    tuple(range(6)),
)

# The 7x12 targets of the output layer, copied from the digits of Figure 3 of the paper.
DIGIT_BITMAPS = """
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

MNIST_MEAN, MNIST_STD = (0.1307,), (0.3081,)
# Section II.B of the paper: the background is -0.1, the foreground 1.175.
PAPER_MEAN, PAPER_STD = (0.1 / 1.275,), (1 / 1.275,)


def scaled_tanh(x: jax.Array) -> jax.Array:
    """1.7159 tanh(2x / 3): Appendix A of the paper."""
    return 1.7159 * jnp.tanh(x * (2 / 3))


# Caffe's example lenet_train_test.prototxt.
INITIAL = InitialValues(kernel=caffe_xavier, dense_kernel=caffe_xavier)
# Appendix A of the paper is of the kernels: biases start at zero.
INITIAL_1998 = InitialValues(kernel=UniformByFanIn(2.4, power=1), dense_kernel=UniformByFanIn(2.4, power=1))


class LeNet5(Network):
    """LeNet-5 of today's courses: C3 with all inputs, max pooling, ReLU and a linear last layer."""

    image_shape: ImageShape = (32, 32, 1)
    num_classes: ClassCount = 10
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        conv = partial(self.conv_blocks(), kernel_size=5)
        x = max_pool(conv(6, name="c1")(x), 2)  # [b, 28, 28, 6], pooled [b, 14, 14, 6]
        x = max_pool(conv(16, name="c3")(x), 2)  # [b, 10, 10, 16], pooled [b, 5, 5, 16]
        x = _flat_c5(conv(120, name="c5"), x)  # [b, 120]
        x = self.act(f6(self.initial_values, self.dtype)(x))  # [b, 84]
        return self.classify(x, "output")


class LeNet5Of1998(Network):
    """LeNet-5 as published: sparse C3, trainable subsampling, scaled tanh, distances to fixed 7x12 bitmaps.

    The logits are the negative squared distances, so softmax cross-entropy is the criterion (9) of the paper without
    its constant. If there are not ten classes, their codes are random -1 and 1, as section II.C suggests.
    """

    image_shape: ImageShape = (32, 32, 1)
    num_classes: ClassCount = 10
    act: Activation = scaled_tanh
    initial_values: InitialValues = INITIAL_1998

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        conv = partial(self.conv_blocks(), kernel_size=5)
        x = conv(6, name="c1")(x)  # [b, 28, 28, 6]
        x = self.act(Subsampling(dtype=self.dtype, name="s2")(x))  # [b, 14, 14, 6]
        c3 = SparseConv(C3_INPUTS, 5, kernel_init=self.initial_values.kernel, dtype=self.dtype, name="c3")
        x = self.act(c3(x))  # [b, 10, 10, 16]
        x = self.act(Subsampling(dtype=self.dtype, name="s4")(x))  # [b, 5, 5, 16]
        x = _flat_c5(conv(120, name="c5"), x)  # [b, 120]
        x = self.act(f6(self.initial_values, self.dtype)(x))  # [b, 84]
        x = x.astype(jnp.float32)
        if not self.num_classes:
            return x
        return -jnp.square(x[:, None] - class_codes(self.num_classes)).sum(axis=-1)


def f6(initial_values: InitialValues, dtype: jnp.dtype) -> Dense:
    """The hidden linear layer."""
    return Dense(
        84, kernel_init=initial_values.dense_kernel, bias_init=initial_values.dense_bias, dtype=dtype, name="f6"
    )


def _flat_c5(c5: nn.Module, x: jax.Array) -> jax.Array:
    """C5 of 5x5 maps, which its kernel covers, as one vector per image; larger maps are averaged to 5x5 first."""
    return c5(adaptive_avg_pool(x, 5)).reshape(x.shape[0], -1)


class Subsampling(nn.Module):
    """The sum of each 2x2 window, times a trainable coefficient, plus a bias, one of each per map: S2 and S4."""

    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        maps = (x.shape[-1],)
        coefficient = self.param("coefficient", Uniform(2.4 / 4), maps)  # Appendix A: four inputs
        bias = self.param("bias", nn.initializers.zeros, maps)
        scaled = multiply_broadcast(4 * avg_pool(x, 2), coefficient.astype(self.dtype))
        return add_broadcast(scaled, bias.astype(self.dtype))


class SparseConv(nn.Module):
    """A convolution whose output map i has only the input maps `inputs[i]`: C3 of the paper.

    The kernel is [kh, kw, connections], one filter per connection of an input map and an output map, in the order of
    `inputs`.
    """

    inputs: tuple[tuple[int, ...], ...]
    kernel_size: Size
    kernel_init: LayerInitializer = he_truncated_normal
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        in_maps = jnp.array([in_map for in_maps in self.inputs for in_map in in_maps])
        out_maps = jnp.array([out_map for out_map, in_maps in enumerate(self.inputs) for _ in in_maps])
        size, features = pair(self.kernel_size), len(self.inputs)

        def init_filters(key: jax.Array) -> jax.Array:
            shapes = [(*size, len(in_maps), 1) for in_maps in self.inputs]
            drawn = [
                for_layer(self.kernel_init, shape)(key, shape, jnp.float32)[..., 0]
                for key, shape in zip(jax.random.split(key, features), shapes, strict=True)
            ]
            return jnp.concatenate(drawn, axis=-1)

        filters = self.param("kernel", init_filters)
        bias = self.param("bias", nn.initializers.zeros, (features,))
        kernel = jnp.zeros((*size, x.shape[-1], features)).at[:, :, in_maps, out_maps].set(filters)
        return conv(*nn.dtypes.promote_dtype(x, kernel, bias, dtype=self.dtype))


def class_codes(num_classes: int) -> jax.Array:
    """[num_classes, 84] float32 of -1 and 1: the target of F6 for each class."""
    if num_classes != 10:
        return jax.random.rademacher(jax.random.key(1998), (num_classes, 84), jnp.float32)
    rows = [line.split() for line in DIGIT_BITMAPS.split("\n") if line]
    bitmaps = ["".join(row[digit] for row in rows) for digit in range(10)]
    return jnp.array([[1.0 if pixel == "#" else -1.0 for pixel in bitmap] for bitmap in bitmaps])


ENTRIES = (
    ModelInfo(
        name="lenet5",
        build=LeNet5,
        paper=PAPER,
        parameters=61_706,
        macs=416_520,
        stages=("c1", "c3", "c5"),
        pyramid=("c1", "c3"),
        num_classes=10,
        input_size=32,
        channels=1,
        mean=MNIST_MEAN,
        std=MNIST_STD,
        differs="C3 has all maps of S2 as inputs; max pooling and ReLU; a linear last layer",
    ),
    ModelInfo(
        name="lenet5_1998",
        build=LeNet5Of1998,
        paper=PAPER,
        parameters=60_000,
        macs=415_680,
        stages=("c1", "c3", "c5"),
        pyramid=("c1", "c3"),
        num_classes=10,
        input_size=32,
        channels=1,
        mean=PAPER_MEAN,
        std=PAPER_STD,
        differs="the bitmaps of the output layer are copied from Figure 3; C3 is computed densely",
    ),
)
