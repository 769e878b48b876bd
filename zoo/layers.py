"""The layers of convolutional networks: pure functions where there is no parameter, Flax modules where there is.

Arrays are [batch, height, width, channel] everywhere; sizes and padding are those of `zoo.geometry`.
"""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from zoo.errors import ZooError
from zoo.geometry import Padding, Size, explicit_padding, pair
from zoo.kernels.batch_norm import BatchNorm
from zoo.kernels.convolution import convolution

# All layers are to be had from here.
from zoo.kernels.pooling import adaptive_avg_pool as adaptive_avg_pool
from zoo.kernels.pooling import avg_pool as avg_pool
from zoo.kernels.pooling import global_avg_pool, max_pool
from zoo.runtime.mesh import DATA_AXIS

Activation = Callable[[jax.Array], jax.Array]


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
    """Cross-correlation of x [b, h, w, c] with kernel [kh, kw, c / groups, features], as every framework's "conv"."""
    pads = explicit_padding(x.shape[1:3], kernel.shape[:2], stride, padding, dilation)
    y = convolution(x, kernel, pair(stride), pads, pair(dilation), groups)
    return y if bias is None else y + bias


@jax.named_scope("local_response_norm")
def local_response_norm(
    x: jax.Array, *, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0
) -> jax.Array:
    """x / (k + alpha * sum of x^2 over `size` neighbouring channels) ** beta.

    As defined, and with the constants, in Krizhevsky et al. 2012, section 3.3. Caffe and torch divide alpha by `size`
    and use k = 1: give `alpha=1e-4 / 5, k=1` for a network trained with theirs.
    """
    before = size // 2
    squares = jnp.pad(jnp.square(x.astype(jnp.float32)), ((0, 0),) * 3 + ((before, size - 1 - before),))
    total = sum(squares[..., i : i + x.shape[-1]] for i in range(size))
    return (x * (k + alpha * total) ** -beta).astype(x.dtype)


# Modules

# Flax asks an initializer for its shape at each call of a layer: compiled, it is traced once a shape.
he_normal = jax.jit(nn.initializers.he_normal(), static_argnums=(1, 2))


class Conv(nn.Module):
    """Convolution with its own kernel [kh, kw, channels / groups, features] and, unless told otherwise, a bias."""

    features: int
    kernel_size: Size
    stride: Size = 1
    padding: Padding = 0
    dilation: Size = 1
    groups: int = 1
    use_bias: bool = True
    kernel_init: Callable = he_normal
    bias_init: Callable = nn.initializers.zeros
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        channels = x.shape[-1]
        if channels % self.groups or self.features % self.groups:
            raise ZooError(f"{channels} channels to {self.features} features cannot be split in {self.groups} groups")
        shape = (*pair(self.kernel_size), channels // self.groups, self.features)
        kernel = self.param("kernel", self.kernel_init, shape, jnp.float32)
        bias = self.param("bias", self.bias_init, (self.features,), jnp.float32) if self.use_bias else None
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


def data_axis() -> str | None:
    """The mapped axis "data" when called inside `pmap` or `shard_map` over it, else None (jit's arrays are global)."""
    try:
        lax.axis_index(DATA_AXIS)
    except NameError:
        return None
    return DATA_AXIS


def batch_norm(
    *,
    train: bool,
    name: str | None = None,
    dtype: jnp.dtype = jnp.float32,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    use_scale: bool = True,
) -> BatchNorm:
    """Batch normalisation over the whole batch, on however many devices it lies. Running statistics unless `train`."""
    return BatchNorm(
        use_running_average=not train,
        momentum=momentum,
        epsilon=epsilon,
        use_scale=use_scale,
        dtype=dtype,
        axis_name=data_axis(),
        name=name,
    )


def is_folded(block: nn.Module, train: bool, conv: str = "conv") -> bool:
    """Whether a block is applied to weights whose `bn` is part of its `conv`: `zoo.weights.fold_batchnorm`.

    Then the convolution has a bias, and the norm nothing. Raises ZooError in training, which needs the norm.
    """
    norm = any(block.has_variable(kind, "bn") for kind in ("params", "batch_stats"))
    folded = not block.is_initializing() and not norm and "bias" in (block.get_variable("params", conv) or {})
    if folded and train:
        raise ZooError("these weights have no batch norm, which training needs: it was folded into the convolutions")
    return folded


class ConvBlock(nn.Module):
    """Convolution, then the norm if there is one, then the activation if there is one. Children: `conv`, `bn`.

    `use_bias=None` gives the convolution a bias just where no norm follows. Folded weights have a bias and no `bn`.
    """

    features: int
    kernel_size: Size
    stride: Size = 1
    padding: Padding = 0
    groups: int = 1
    norm: Callable[..., nn.Module] | None = None
    use_bias: bool | None = None
    act: Activation | None = nn.relu
    dilation: Size = 1
    kernel_init: Callable = he_normal
    bias_init: Callable = nn.initializers.zeros
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        folded = self.norm is not None and is_folded(self, train)
        norm = None if folded else self.norm
        use_bias = folded or (self.norm is None if self.use_bias is None else self.use_bias)
        x = Conv(
            self.features,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
            use_bias=use_bias,
            kernel_init=self.kernel_init,
            bias_init=self.bias_init,
            dtype=self.dtype,
            name="conv",
        )(x)
        if norm is not None:
            x = norm(train=train, dtype=self.dtype, name="bn")(x)
        return x if self.act is None else self.act(x)


class SqueezeExcite(nn.Module):
    """Each channel times a gate computed from the mean of all: Hu et al., arXiv:1709.01507. Children: `fc1`, `fc2`."""

    squeezed: int
    act: Activation = nn.relu
    gate: Activation = nn.sigmoid
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        scale = global_avg_pool(x)[:, None, None, :]
        scale = self.act(Conv(self.squeezed, 1, dtype=self.dtype, name="fc1")(scale))
        return x * self.gate(Conv(x.shape[-1], 1, dtype=self.dtype, name="fc2")(scale))


def stochastic_depth(rate: float, *, train: bool, name: str = "stochastic_depth") -> nn.Dropout:
    """Drops a residual branch of whole images at `rate` in training: Huang et al., arXiv:1603.09382."""
    return nn.Dropout(rate, broadcast_dims=(1, 2, 3), deterministic=not train, name=name)


class Inception(nn.Module):
    """Four branches side by side, joined along the channels: 1x1, 3x3, 5x5 and a pool, reduced by 1x1 convolutions.

    Szegedy et al., arXiv:1409.4842, Figure 2(b); the widths are the columns of its Table 1. `conv` makes the blocks
    (it takes what `ConvBlock` takes); `kernel_5x5=3` is what torchvision has in the place of the 5x5.
    """

    width_1x1: int
    width_3x3_reduce: int
    width_3x3: int
    width_5x5_reduce: int
    width_5x5: int
    width_pool_proj: int
    kernel_5x5: int = 5
    conv: Callable[..., nn.Module] = ConvBlock

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        def conv(x: jax.Array, features: int, kernel: int, name: str) -> jax.Array:
            return self.conv(features, kernel, padding=kernel // 2, name=name)(x, train=train)

        one = conv(x, self.width_1x1, 1, "1x1")
        three = conv(x, self.width_3x3_reduce, 1, "3x3_reduce")
        three = conv(three, self.width_3x3, 3, "3x3")
        five = conv(x, self.width_5x5_reduce, 1, "5x5_reduce")
        five = conv(five, self.width_5x5, self.kernel_5x5, "5x5")
        pool = conv(max_pool(x, 3, 1, padding=1), self.width_pool_proj, 1, "pool_proj")
        return jnp.concatenate([one, three, five, pool], axis=-1)


class NaiveInception(nn.Module):
    """The module before its reductions: 1x1, 3x3, 5x5 and the pool itself, joined along the channels.

    Szegedy et al., arXiv:1409.4842, Figure 2(a). Its output is always deeper than its input, which is what is naive.
    """

    width_1x1: int
    width_3x3: int
    width_5x5: int
    conv: Callable[..., nn.Module] = ConvBlock

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        branches = [
            self.conv(features, kernel, padding=kernel // 2, name=f"{kernel}x{kernel}")(x, train=train)
            for features, kernel in ((self.width_1x1, 1), (self.width_3x3, 3), (self.width_5x5, 5))
        ]
        return jnp.concatenate([*branches, max_pool(x, 3, 1, padding=1)], axis=-1)
