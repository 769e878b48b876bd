"""The cells that NASNet's search has found: sums of pairs of operations, written as tables."""

from functools import partial
from typing import Literal, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.initializers import LayerInitializer
from zoo.layers import Activation, Conv, ModuleFactory, avg_pool, max_pool

# The states of a cell: its two inputs, then the sums of its pairs.
PREVIOUS, CURRENT, SUM_0, SUM_1, SUM_2, SUM_3, SUM_4 = range(7)
# What is done with the first input: nothing, a projection to the width of the cell, or to half the size too.
Adjustment = Literal["none", "project", "reduce"]


class Operation(NamedTuple):
    """What is done with a state: separable convolutions of this size, a 3x3 pool, or nothing."""

    kind: Literal["separable_3", "separable_5", "separable_7", "average", "max", "identity"]
    state: int


class CellSettings(NamedTuple):
    """The pairs of operations whose outputs are added, and the states that are concatenated."""

    pairs: tuple[tuple[Operation, Operation], ...]
    output: tuple[int, ...]


class Cell(nn.Module):
    """Sums of pairs of operations, concatenated: two maps [b, h, w, c] to [b, h / stride, w / stride, n * width].

    Children: `conv_prev_1x1` or `reduce_prev`, and `conv_1x1`, which give both maps the cell's width;
    `comb_iter_{i}_left` and `comb_iter_{i}_right` for operations with parameters. Padding is TensorFlow's; with
    `zero_padded_max` that of maximum pools with stride 2 is zeros, as in Keras.
    """

    settings: CellSettings
    width: int
    stride: int
    adjust: Adjustment
    conv: ModuleFactory
    separable: ModuleFactory
    factorized_reduction: ModuleFactory
    act: Activation
    zero_padded_max: bool = False

    @nn.compact
    def __call__(self, maps: tuple[jax.Array, jax.Array], train: bool = False) -> jax.Array:
        previous, current = maps
        states = [self._adjusted(previous, train), self._projected(current, 1, "conv_1x1", train)]
        for i, (left, right) in enumerate(self.settings.pairs):
            left_output = self._apply(left, states, f"comb_iter_{i}_left", train)
            states.append(left_output + self._apply(right, states, f"comb_iter_{i}_right", train))
        return jnp.concatenate([states[i] for i in self.settings.output], axis=-1)

    def _adjusted(self, previous: jax.Array, train: bool) -> jax.Array:
        if self.adjust == "none":
            return previous
        if self.adjust == "project":
            return self._projected(previous, 1, "conv_prev_1x1", train)
        return self.factorized_reduction(self.width, name="reduce_prev")(self.act(previous), train)

    def _projected(self, x: jax.Array, stride: int, name: str, train: bool) -> jax.Array:
        return self.conv(self.width, 1, stride, name=name)(self.act(x), train)

    def _apply(self, operation: Operation, states: list[jax.Array], name: str, train: bool) -> jax.Array:
        x = states[operation.state]
        stride = self.stride if operation.state in (PREVIOUS, CURRENT) else 1
        match operation.kind:
            case "identity":
                return x if stride == 1 else self._projected(x, stride, name, train)
            case "average":
                # As in timm and Keras; in the release padding never counts.
                return avg_pool(x, 3, stride, "SAME", count_include_pad=stride > 1)
            case "max":
                y = max_pool(x, 3, stride, "SAME")
                x = _with_zeros(y, x, stride) if self.zero_padded_max and stride > 1 else y
                # Of the stem, whose first map is not adjusted.
                return x if x.shape[-1] == self.width else self.conv(self.width, 1, name=name)(x, train)
        kernel_size = int(operation.kind.removeprefix("separable_"))
        return SeparableConvs(self.width, kernel_size, stride, self.separable, self.act, name=name)(x, train)


def _with_zeros(y: jax.Array, x: jax.Array, stride: int) -> jax.Array:
    """The maxima `y` of 3x3 windows of `x`, and zero where a window has padding.

    A pad of `x` would have other amounts at other sizes, which a program that is exported for all of them cannot have;
    nor can it have constants that depend on the size, so the ones are computed from `x`. Of ones that XLA knows to be
    ones, it would make a constant mask for the images of all devices.
    """
    ones = 0 * x[..., :1] + 1
    inside = avg_pool(ones, 3, stride, "SAME", count_include_pad=True)
    return jnp.where(inside < 1, jnp.maximum(y, 0), y)


class SeparableConvs(nn.Module):
    """Two separable convolutions, each after an activation; the first has the stride. Appendix A.4 of the paper."""

    features: int
    kernel_size: int
    stride: int
    separable: ModuleFactory
    act: Activation

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        for i, stride in ((1, self.stride), (2, 1)):
            separable = self.separable(
                self.features, kernel_size=self.kernel_size, stride=stride, padding="SAME", name=f"separable_{i}"
            )
            x = separable(self.act(x), train)
        return x


class FactorizedReduction(nn.Module):
    """1x1 convolutions of the even and of the odd positions of both axes, concatenated, then the norm.

    [b, h, w, c] to [b, h / 2, w / 2, features]. Children: `path_1`, `path_2`, `bn`.
    """

    features: int
    norm: ModuleFactory | None
    kernel_init: LayerInitializer
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        use_bias = self.norm is None
        conv = partial(Conv, kernel_size=1, use_bias=use_bias, kernel_init=self.kernel_init, dtype=self.dtype)
        even = x[:, ::2, ::2]
        odd = jnp.pad(x[:, 1:, 1:], ((0, 0), (0, 1), (0, 1), (0, 0)))[:, ::2, ::2]
        half = self.features // 2
        x = jnp.concatenate([conv(half, name="path_1")(even), conv(self.features - half, name="path_2")(odd)], axis=-1)
        return x if self.norm is None else self.norm(train=train, dtype=self.dtype, name="bn")(x)
