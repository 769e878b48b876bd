"""Initial values of kernels and biases, by the names of the papers and libraries that networks have them from.

An initializer is a function of (key, shape, dtype), as those of `jax.nn.initializers`. A kernel is [height, width,
channels / groups, features] or [channels, features]: its fan-in is the product of all axes but the last, its fan-out
that of all axes but the one before.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from zoo.runtime.shape_key import is_shape_key

# From a key, a shape and a type.
Initializer = Callable[..., jax.Array]

zeros = jax.nn.initializers.zeros
ones = jax.nn.initializers.ones


class ByLayer:
    """An initializer that needs more of its layer than the shape of the array."""

    def of(self, kernel_shape: tuple[int, ...], groups: int) -> Initializer:
        """The initializer of the kernel or the bias of a layer."""
        raise NotImplementedError


LayerInitializer = Initializer | ByLayer


def for_layer(initializer: LayerInitializer, kernel_shape: tuple[int, ...], groups: int = 1) -> Initializer:
    """The initializer of a kernel or a bias of the layer that has this kernel."""
    return initializer.of(kernel_shape, groups) if isinstance(initializer, ByLayer) else initializer


def parameter(
    module: nn.Module, name: str, initializer: Initializer, shape: tuple[int, ...], dtype: DTypeLike = jnp.float32
) -> jax.Array:
    """`module.param`, but quicker to trace where the module has been given the parameter.

    Flax traces the initializer of a given parameter too, only to compare the shapes. An array of this shape stands in
    for what zoo's initializers draw: drawing takes as long to trace as the rest of a network.
    """
    stand_in = isinstance(initializer, Drawn) and module.has_variable("params", name)
    return module.param(name, _undrawn if stand_in else initializer, shape, dtype)


def _undrawn(key: jax.Array, shape: tuple[int, ...], dtype: DTypeLike) -> Any:
    """Zeros that take no memory, in the place of drawn values."""
    return np.broadcast_to(np.zeros((), dtype), shape)


class Drawn:
    """An initializer that is traced once per shape, and never where only shapes are used: `draw` is not called then.

    A class and not a function within one, so that networks can be pickled and compared.
    """

    def __call__(self, key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype = jnp.float32) -> jax.Array:
        if is_shape_key(key):
            return jnp.zeros(shape, dtype)
        return _traced_once(self, key, tuple(shape), dtype)

    def draw(self, key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
        raise NotImplementedError


@partial(jax.jit, static_argnums=(0, 2, 3))
def _traced_once(initializer: Drawn, key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
    return initializer.draw(key, shape, dtype)


@dataclass(frozen=True)
class Normal(Drawn):
    """A normal distribution around `mean` that is not cut off.

    It stands for torch's `trunc_normal_` too, which cuts at -2 and 2, not at two deviations: a hundred deviations of
    0.02.
    """

    stddev: float
    mean: float = 0.0

    def draw(self, key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
        return self.mean + jax.nn.initializers.normal(self.stddev)(key, shape, dtype)


@dataclass(frozen=True)
class Uniform(Drawn):
    """Uniform in -bound..bound."""

    bound: float

    def draw(self, key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
        return jax.random.uniform(key, shape, dtype, -self.bound, self.bound)


@dataclass(frozen=True)
class Constant(Drawn):
    """The same value everywhere."""

    value: float

    def draw(self, key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
        return jnp.full(shape, self.value, dtype)


@dataclass(frozen=True)
class VarianceScaling(Drawn):
    """The variance is `scale` divided by the fan-in, the fan-out or their mean."""

    scale: float
    mode: Literal["fan_in", "fan_out", "fan_avg"]
    distribution: Literal["normal", "truncated_normal", "uniform"]

    def draw(self, key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
        return jax.nn.initializers.variance_scaling(self.scale, self.mode, self.distribution)(key, shape, dtype)


@dataclass(frozen=True)
class HeNormalOfGroup(ByLayer):
    """Normal; the variance is 2 divided by the fan-out of one group."""

    def of(self, kernel_shape: tuple[int, ...], groups: int) -> Initializer:
        return VarianceScaling(2.0 * groups, "fan_out", "normal")


@dataclass(frozen=True)
class UniformByFanIn(ByLayer):
    """Uniform in +-numerator / fan_in ** power, where the fan-in is that of the kernel, for a bias too."""

    numerator: float
    power: float

    def of(self, kernel_shape: tuple[int, ...], groups: int) -> Initializer:
        return Uniform(self.numerator / math.prod(kernel_shape[:-1]) ** self.power)


@dataclass(frozen=True)
class IdentityOfChannels(Drawn):
    """Torch's `dirac_` for the first features, one for each input channel; the other features are drawn by `rest`.

    The first outputs of the convolution are its input then. For odd kernels with padding that keeps the size.
    """

    rest: Drawn

    def draw(self, key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
        height, width, channels, features = shape
        count = min(channels, features)
        kernel = self.rest(key, shape, dtype).at[..., :count].set(0)
        return kernel.at[height // 2, width // 2, jnp.arange(count), jnp.arange(count)].set(1)


# He et al., arXiv:1502.01852: equation 10, and after equation 14. The first is TensorFlow's and Flax's, cut off at two
# deviations; the others are torch's kaiming_normal_ and kaiming_uniform_, which do not divide a fan-out by the groups.
he_truncated_normal = VarianceScaling(2.0, "fan_in", "truncated_normal")
he_normal = VarianceScaling(2.0, "fan_in", "normal")
he_normal_fan_out = VarianceScaling(2.0, "fan_out", "normal")
he_uniform = VarianceScaling(2.0, "fan_in", "uniform")
# TensorFlow's EfficientNet and MobileNet: the fan-out of one group.
he_normal_group_fan_out = HeNormalOfGroup()
# Glorot and Bengio 2010: Keras's default; and Caffe's xavier, which takes the fan-in alone.
glorot_uniform = VarianceScaling(1.0, "fan_avg", "uniform")
caffe_xavier = VarianceScaling(1.0, "fan_in", "uniform")
# LeCun et al. 1998; torch's kaiming_normal_ for linear layers, and Flax's default of these.
lecun_normal = VarianceScaling(1.0, "fan_in", "normal")
lecun_truncated_normal = VarianceScaling(1.0, "fan_in", "truncated_normal")
# torch's default, of kernels and of biases: uniform in +-1 / sqrt(fan-in of the kernel).
torch_default = VarianceScaling(1 / 3, "fan_in", "uniform")
torch_default_bias = UniformByFanIn(1.0, power=0.5)
# Of TensorFlow's EfficientNet, for its linear layer: uniform in +-1 / sqrt(features).
uniform_fan_out = VarianceScaling(1 / 3, "fan_out", "uniform")


@dataclass(frozen=True, kw_only=True)
class InitialValues:
    """The initializers of a network: of its convolutions, and of its linear layers. The defaults are Flax's.

    `hidden_kernel` and `hidden_bias` are of linear layers before the classifier, where they differ from its.
    """

    kernel: LayerInitializer = he_truncated_normal
    bias: LayerInitializer = zeros
    dense_kernel: LayerInitializer = lecun_truncated_normal
    dense_bias: LayerInitializer = zeros
    hidden_kernel: LayerInitializer | None = None
    hidden_bias: LayerInitializer | None = None


# Google's releases of EfficientNet and its relatives, and timm, which has MobileNet so too. Hidden linear layers are
# convolutions there.
GOOGLE = InitialValues(
    kernel=he_normal_group_fan_out, dense_kernel=uniform_fan_out, hidden_kernel=he_normal_group_fan_out
)
# All layers as torch, or Keras, makes them without further instructions.
TORCH_DEFAULT = InitialValues(
    kernel=torch_default, bias=torch_default_bias, dense_kernel=torch_default, dense_bias=torch_default_bias
)
KERAS_DEFAULT = InitialValues(kernel=glorot_uniform, dense_kernel=glorot_uniform)
