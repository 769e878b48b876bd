"""Layers of convolutional networks: pure functions for layers without parameters, Flax modules for the others.

All arrays are [batch, height, width, channel]. `zoo.geometry` defines the types of sizes and padding.
"""

from collections.abc import Callable
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.errors import ZooError
from zoo.geometry import Padding, Size, explicit_padding, pair
from zoo.initializers import LayerInitializer, for_layer, he_truncated_normal, ones, parameter, zeros
from zoo.kernels.arguments import as_images, as_kernel, check_groups
from zoo.kernels.batch_norm import BatchNorm
from zoo.kernels.broadcast import add_broadcast, multiply_broadcast
from zoo.kernels.convolution import convolution
from zoo.kernels.dense import Dense
from zoo.kernels.dilation import Window, dilated_stages
from zoo.kernels.dropout import Dropout
from zoo.kernels.pooling import adaptive_avg_pool, avg_pool, global_avg_pool, max_pool
from zoo.kernels.relu import keeping_output
from zoo.kernels.response_norm import local_response_norm
from zoo.runtime.mesh import data_axis

# All layers, also those whose forms are in `zoo.kernels`.
__all__ = [
    "Conv",
    "ConvBlock",
    "Dense",
    "Inception",
    "NaiveInception",
    "SqueezeExcite",
    "adaptive_avg_pool",
    "avg_pool",
    "batch_norm",
    "conv",
    "global_avg_pool",
    "group_norm",
    "local_response_norm",
    "max_pool",
    "stochastic_depth",
]

Activation = Callable[[jax.Array], jax.Array]
# A class or a function that makes a module, such as `ConvBlock` or `partial(ConvBlock, norm=batch_norm)`.
ModuleFactory = Callable[..., nn.Module]


# Functions without parameters


def conv(
    x: jax.Array,
    kernel: jax.Array,
    bias: jax.Array | None = None,
    *,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> jax.Array:
    """Cross-correlation of x [b, h, w, c] with kernel [kh, kw, c / groups, features] (the "conv" of all frameworks).

    The output is [b, h', w', features]. Raises WindowTooLarge if the kernel does not fit in the padded input, and
    ZooError for arguments that are no convolution.
    """
    x, kernel = nn.dtypes.promote_dtype(as_images(x, "a convolution"), as_kernel(kernel, x, groups))
    if bias is not None and bias.shape != kernel.shape[3:]:
        raise ZooError(
            f"a convolution to {kernel.shape[3]} features takes a bias of as many, not the shape {bias.shape}"
        )
    window = pair(kernel.shape[:2])
    if stages := dilated_stages():
        stride, padding, dilation = stages.convolution(window, Window(stride, padding, dilation))
    pads = explicit_padding(pair(x.shape[1:3]), window, stride=stride, padding=padding, dilation=dilation)
    y = convolution(x, kernel, stride=pair(stride), pads=pads, dilation=pair(dilation), groups=groups)
    return y if bias is None else add_broadcast(y, bias)


# Modules


class Conv(nn.Module):
    """Convolution with parameters: `kernel` [kh, kw, channels / groups, features] and, with `use_bias`, `bias`.

    Raises ZooError if `groups` does not divide the channels of the input and `features`.
    """

    features: int
    kernel_size: Size
    stride: Size = 1
    padding: Padding = 0
    dilation: Size = 1
    groups: int = 1
    use_bias: bool = True
    kernel_init: LayerInitializer = he_truncated_normal
    bias_init: LayerInitializer = zeros
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        channels = as_images(x, "a convolution").shape[-1]
        features, _ = pair(self.features, "number of features", least=1)
        check_groups(channels, features, self.groups)
        shape = (*pair(self.kernel_size, "kernel size", least=1), channels // self.groups, features)
        kernel_init, bias_init = (for_layer(init, shape, self.groups) for init in (self.kernel_init, self.bias_init))
        kernel = self.used_kernel(parameter(self, "kernel", kernel_init, shape))
        bias = parameter(self, "bias", bias_init, (self.features,)) if self.use_bias else None
        x, kernel, bias = nn.dtypes.promote_dtype(x, kernel, bias, dtype=self.dtype)
        return conv(
            x,
            kernel,
            bias,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )

    def used_kernel(self, kernel: jax.Array) -> jax.Array:
        """The kernel that the input is convolved with, from the parameter. For subclasses, in the compact method."""
        return kernel


def group_norm(
    *, train: bool, name: str | None = None, dtype: jnp.dtype = jnp.float32, num_groups: int = 32
) -> nn.GroupNorm:
    """Normalisation over the positions and the channels of a group, of each image: the same with and without `train`.

    Wu and He, arXiv:1803.08494.
    """
    # The variance is right where the mean is large, as torch's; it costs nothing on a CPU.
    return nn.GroupNorm(num_groups=num_groups, epsilon=1e-5, use_fast_variance=False, dtype=dtype, name=name)


def batch_norm(
    *,
    train: bool,
    name: str | None = None,
    dtype: jnp.dtype = jnp.float32,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    use_scale: bool = True,
    scale_init: nn.initializers.Initializer = ones,
    bias_init: nn.initializers.Initializer = zeros,
) -> BatchNorm:
    """Batch normalisation. With `train` the statistics are those of the whole batch, over all of its devices.

    Without `train` they are the running statistics, whose decay per step is `momentum`.
    """
    return BatchNorm(
        use_running_average=not train,
        momentum=momentum,
        epsilon=epsilon,
        use_scale=use_scale,
        scale_init=scale_init,
        bias_init=bias_init,
        dtype=dtype,
        axis_name=data_axis(),
        name=name,
    )


class ConvBlock(nn.Module):
    """A convolution, then an optional norm, then an optional activation. Children: `conv`, `bn`.

    By default (`use_bias=None`) the convolution has a bias only if there is no norm.
    """

    features: int
    kernel_size: Size
    stride: Size = 1
    padding: Padding = 0
    groups: int = 1
    norm: ModuleFactory | None = None
    use_bias: bool | None = None
    act: Activation | None = nn.relu
    dilation: Size = 1
    kernel_init: LayerInitializer = he_truncated_normal
    bias_init: LayerInitializer = zeros
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        use_bias = self.norm is None if self.use_bias is None else self.use_bias
        x = Conv(
            self.features,
            self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
            use_bias=use_bias,
            kernel_init=self.kernel_init,
            bias_init=self.bias_init,
            dtype=self.dtype,
            name="conv",
        )(x)
        if self.norm is not None:
            x = self.norm(train=train, dtype=self.dtype, name="bn")(x)
        if self.act is None:
            return x
        return (keeping_output(self.act) if self.norm is None else self.act)(x)


class SqueezeExcite(nn.Module):
    """Multiplies each channel by a gate that two 1x1 convolutions compute from the means of all channels.

    Hu et al., arXiv:1709.01507. `squeezed` is the number of channels between the two. Children: `fc1`, `fc2`.
    """

    squeezed: int
    act: Activation = nn.relu
    gate: Activation = nn.sigmoid
    kernel_init: LayerInitializer = he_truncated_normal
    bias_init: LayerInitializer = zeros
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        conv = partial(Conv, kernel_size=1, kernel_init=self.kernel_init, bias_init=self.bias_init, dtype=self.dtype)
        scale = global_avg_pool(x)[:, None, None, :]
        scale = self.act(conv(self.squeezed, name="fc1")(scale))
        return multiply_broadcast(x, self.gate(conv(x.shape[-1], name="fc2")(scale)))


def stochastic_depth(rate: float, *, train: bool, name: str = "stochastic_depth") -> Dropout:
    """With `train`, sets a residual branch to zero for each image with probability `rate`, and scales the others.

    Huang et al., arXiv:1603.09382. Raises ZooError for a rate that is not in 0..1.
    """
    if not 0 <= rate <= 1:
        raise ZooError(f"the rate of stochastic depth is a probability, not {rate}")
    return Dropout(rate, broadcast_dims=(1, 2, 3), deterministic=not train, name=name)


class Inception(nn.Module):
    """Four parallel branches, concatenated along the channels: 1x1, 3x3, 5x5 and max pooling, with 1x1 reductions.

    Szegedy et al., arXiv:1409.4842, Figure 2(b); the widths are the columns of Table 1. `conv` makes the convolution
    blocks and takes the arguments of `ConvBlock`. Torchvision has 3x3 instead of 5x5: `kernel_5x5=3`.
    """

    width_1x1: int
    width_3x3_reduce: int
    width_3x3: int
    width_5x5_reduce: int
    width_5x5: int
    width_pool_proj: int
    kernel_5x5: int = 5
    conv: ModuleFactory = ConvBlock

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        def conv(x: jax.Array, features: int, kernel: int, name: str) -> jax.Array:
            return self.conv(features, kernel, padding=kernel // 2, name=name)(x, train=train)

        branch_1x1 = conv(x, self.width_1x1, 1, "1x1")
        branch_3x3 = conv(x, self.width_3x3_reduce, 1, "3x3_reduce")
        branch_3x3 = conv(branch_3x3, self.width_3x3, 3, "3x3")
        branch_5x5 = conv(x, self.width_5x5_reduce, 1, "5x5_reduce")
        branch_5x5 = conv(branch_5x5, self.width_5x5, self.kernel_5x5, "5x5")
        branch_pool = conv(max_pool(x, 3, 1, padding=1), self.width_pool_proj, 1, "pool_proj")
        return jnp.concatenate([branch_1x1, branch_3x3, branch_5x5, branch_pool], axis=-1)


class NaiveInception(nn.Module):
    """The Inception module without reductions: 1x1, 3x3, 5x5 and max pooling, concatenated along the channels.

    Szegedy et al., arXiv:1409.4842, Figure 2(a). The output always has more channels than the input: the pooled input
    is part of it.
    """

    width_1x1: int
    width_3x3: int
    width_5x5: int
    conv: ModuleFactory = ConvBlock

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        branches = [
            self.conv(features, kernel, padding=kernel // 2, name=f"{kernel}x{kernel}")(x, train=train)
            for features, kernel in ((self.width_1x1, 1), (self.width_3x3, 3), (self.width_5x5, 5))
        ]
        return jnp.concatenate([*branches, max_pool(x, 3, 1, padding=1)], axis=-1)
