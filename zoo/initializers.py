"""Initial values of kernels and biases, by the names of the papers and libraries that networks have them from.

An initializer is a function of (key, shape, dtype), as those of `jax.nn.initializers`. A kernel is [height, width,
channels / groups, features] or [channels, features]: its fan-in is the product of all axes but the last, its fan-out
that of all axes but the one before.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import jax
import jax.numpy as jnp

# From a key, a shape and a type.
Initializer = Callable[..., jax.Array]

zeros = jax.nn.initializers.zeros
ones = jax.nn.initializers.ones


@dataclass(frozen=True)
class ByLayer:
    """An initializer that needs more of its layer than the shape of the array: `of(kernel_shape, groups)` gives it."""

    of: Callable[[tuple[int, ...], int], Initializer]


LayerInitializer = Initializer | ByLayer


def for_layer(initializer: LayerInitializer, kernel_shape: tuple[int, ...], groups: int = 1) -> Initializer:
    """The initializer of a kernel or a bias of the layer that has this kernel."""
    return initializer.of(kernel_shape, groups) if isinstance(initializer, ByLayer) else initializer


# Flax evaluates the shape of an initializer at each call of a layer: under jit it is traced once per shape.
def _traced_once(initializer: Initializer) -> Initializer:
    return jax.jit(initializer, static_argnums=(1, 2))


@cache
def normal(stddev: float) -> Initializer:
    """A normal distribution around zero that is not cut off.

    It stands for torch's `trunc_normal_` too, which cuts at -2 and 2, not at two deviations: a hundred deviations of
    0.02.
    """
    return _traced_once(jax.nn.initializers.normal(stddev))


@cache
def constant(value: float) -> Initializer:
    """The same value everywhere."""
    return _traced_once(jax.nn.initializers.constant(value))


@cache
def variance_scaling(
    scale: float, mode: Literal["fan_in", "fan_out"], distribution: Literal["normal", "truncated_normal", "uniform"]
) -> Initializer:
    """The variance is `scale` divided by the fan-in or the fan-out."""
    return _traced_once(jax.nn.initializers.variance_scaling(scale, mode, distribution))


@cache
def uniform_within(bound: float) -> Initializer:
    """Uniform in -bound..bound."""

    def initializer(key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype = jnp.float32) -> jax.Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return _traced_once(initializer)


def _he_normal_of_group(kernel_shape: tuple[int, ...], groups: int) -> Initializer:
    return variance_scaling(2.0 * groups, "fan_out", "normal")


def _within_fan_in(kernel_shape: tuple[int, ...], groups: int) -> Initializer:
    return uniform_within(1 / math.sqrt(math.prod(kernel_shape[:-1])))


# He et al., arXiv:1502.01852: equation 10, and after equation 14. The first is TensorFlow's and Flax's, cut off at two
# deviations; the others are torch's kaiming_normal_ and kaiming_uniform_, which do not divide a fan-out by the groups.
he_truncated_normal = variance_scaling(2.0, "fan_in", "truncated_normal")
he_normal = variance_scaling(2.0, "fan_in", "normal")
he_normal_fan_out = variance_scaling(2.0, "fan_out", "normal")
he_uniform = variance_scaling(2.0, "fan_in", "uniform")
# TensorFlow's EfficientNet and MobileNet: the fan-out of one group.
he_normal_group_fan_out = ByLayer(_he_normal_of_group)
# Glorot and Bengio 2010: Keras's default; and Caffe's xavier, which takes the fan-in alone.
glorot_uniform = _traced_once(jax.nn.initializers.glorot_uniform())
caffe_xavier = variance_scaling(1.0, "fan_in", "uniform")
# Flax's default of linear layers.
lecun_truncated_normal = variance_scaling(1.0, "fan_in", "truncated_normal")
# torch's default, of kernels and of biases: uniform in +-1 / sqrt(fan-in of the kernel).
torch_default = variance_scaling(1 / 3, "fan_in", "uniform")
torch_default_bias = ByLayer(_within_fan_in)
# Of TensorFlow's EfficientNet, for its linear layer: uniform in +-1 / sqrt(features).
uniform_fan_out = variance_scaling(1 / 3, "fan_out", "uniform")


@dataclass(frozen=True, kw_only=True)
class InitialValues:
    """The initializers of a network: of its convolutions, and of its linear layers. The defaults are Flax's.

    `hidden_bias` is of linear layers before the classifier, where it differs from `dense_bias`.
    """

    kernel: LayerInitializer = he_truncated_normal
    bias: LayerInitializer = zeros
    dense_kernel: LayerInitializer = lecun_truncated_normal
    dense_bias: LayerInitializer = zeros
    hidden_bias: LayerInitializer | None = None


# All layers as torch, or Keras, makes them without further instructions.
TORCH_DEFAULT = InitialValues(
    kernel=torch_default, bias=torch_default_bias, dense_kernel=torch_default, dense_bias=torch_default_bias
)
KERAS_DEFAULT = InitialValues(kernel=glorot_uniform, dense_kernel=glorot_uniform)
