"""Counts of single layers against NumPy loops that count their multiplications."""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from zoo.count import summarize
from zoo.layers import max_pool


def convolve(x, kernel, stride=1, padding=0, dilation=1, groups=1):
    """Convolution as five loops and its number of multiplications; x [h, w, c], kernel [kh, kw, c / groups, f]."""
    x = np.pad(x, ((padding, padding), (padding, padding), (0, 0)))
    kh, kw, depth, features = kernel.shape
    height = (x.shape[0] - (kh - 1) * dilation - 1) // stride + 1
    width = (x.shape[1] - (kw - 1) * dilation - 1) // stride + 1
    y, multiplications = np.zeros((height, width, features)), 0
    for i, j, f in np.ndindex(y.shape):
        first = f // (features // groups) * depth
        for a, b in np.ndindex(kh, kw):
            pixel = x[i * stride + a * dilation, j * stride + b * dilation, first : first + depth]
            y[i, j, f] += pixel @ kernel[a, b, :, f]
            multiplications += depth
    return y, multiplications


def convolve_transposed(x, kernel, stride):
    """Each input pixel adds its kernel to the output; Flax does not flip the kernel, so it is flipped here."""
    kh, kw, _, features = kernel.shape
    y, multiplications = np.zeros(((x.shape[0] - 1) * stride + kh, (x.shape[1] - 1) * stride + kw, features)), 0
    for i, j in np.ndindex(x.shape[:2]):
        for a, b in np.ndindex(kh, kw):
            y[i * stride + a, j * stride + b] += x[i, j] @ kernel[kh - 1 - a, kw - 1 - b]
            multiplications += kernel.shape[2] * features
    return y, multiplications


def conv(features: int, **options) -> nn.Conv:
    return nn.Conv(features, (3, 3), padding="VALID", use_bias=False, **options)


LAYERS: dict[str, tuple[nn.Module, Callable]] = {
    "plain": (conv(6), lambda x, k: convolve(x, k)),
    "strided": (conv(6, strides=2), lambda x, k: convolve(x, k, stride=2)),
    "padded": (nn.Conv(6, (3, 3), padding=2, use_bias=False), lambda x, k: convolve(x, k, padding=2)),
    "dilated": (conv(6, kernel_dilation=2), lambda x, k: convolve(x, k, dilation=2)),
    "grouped": (conv(6, feature_group_count=2), lambda x, k: convolve(x, k, groups=2)),
    "depthwise": (conv(4, feature_group_count=4), lambda x, k: convolve(x, k, groups=4)),
    "depth multiplier": (conv(8, feature_group_count=4), lambda x, k: convolve(x, k, groups=4)),
    "transposed": (
        nn.ConvTranspose(6, (3, 3), (2, 2), padding="VALID", use_bias=False),
        lambda x, k: convolve_transposed(x, k, stride=2),
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_convolution(name):
    layer, reference = LAYERS[name]
    x = jax.random.normal(jax.random.key(1), (1, 9, 8, 4))
    y, variables = layer.init_with_output(jax.random.key(0), x)
    kernel = variables["params"]["kernel"]
    expected, multiplications = reference(np.asarray(x[0]), np.asarray(kernel))
    np.testing.assert_allclose(y[0], expected, atol=1e-5)
    (row,) = summarize(layer, x.shape).rows
    assert row.operation == ("transposed_conv" if name == "transposed" else "conv")
    assert row.output_shape == y.shape
    assert (row.macs, row.parameters, row.weights) == (multiplications, kernel.size, kernel.size)
    # Without sharing every application of the kernel has separate weights, so there is one weight per multiplication.
    assert row.parameters_without_sharing == multiplications


def test_geometry_of_a_row():
    layer = nn.Conv(8, (3, 5), (2, 1), padding=((1, 0), (2, 3)), kernel_dilation=(1, 2), feature_group_count=2)
    (row,) = summarize(layer, (1, 16, 20, 4)).rows
    assert (row.kernel, row.stride, row.padding) == ((3, 5), (2, 1), ((1, 0), (2, 3)))
    assert (row.dilation, row.groups) == ((1, 2), 2)
    assert row.receptive_field == (3, 9)
    assert row.offset == (0, 2)
    assert row.activation_bytes == 4 * np.prod(row.output_shape)


class Shared(nn.Module):
    """One dense layer and one convolution, used twice each."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        conv = nn.Conv(4, (3, 3), name="conv")
        x = nn.relu(conv(nn.relu(conv(x))))
        dense = nn.Dense(4, name="dense")
        return dense(dense(x.mean(axis=(1, 2))))


def test_shared_modules_count_once():
    summary = summarize(Shared(), (1, 6, 6, 4))
    assert summary.parameters == sum(row.parameters for row in summary.rows) == (9 * 16 + 4) + (16 + 4)
    assert [row.parameters for row in summary.rows if row.path] == [148, 0, 20, 0]
    assert [row.reused_parameters for row in summary.rows if row.path] == [0, 148, 0, 20]
    assert summary.macs == 2 * (36 * 9 * 16 + 16)
    assert summary.parameters_without_sharing == 2 * (36 * 148 + 20)


def test_batch_norm_statistics_are_no_parameters():
    summary = summarize(nn.BatchNorm(use_running_average=True), (2, 5, 5, 7))
    (row,) = summary.rows
    assert (row.operation, row.parameters, row.batch_stats, row.macs) == ("batch_norm", 14, 14, 0)
    assert (summary.parameters, summary.batch_stats) == (14, 14)


def test_dense_and_matrix_products():
    class Attention(nn.Module):
        @nn.compact
        def __call__(self, x):
            query, key, value = (nn.Dense(8, use_bias=False, name=name)(x) for name in "qkv")
            return nn.softmax(query @ key.swapaxes(1, 2)) @ value

    summary = summarize(Attention(), (2, 10, 6))
    assert summary.macs == 3 * 2 * 10 * 6 * 8 + 2 * 10 * 10 * 8 + 2 * 10 * 10 * 8
    assert [row.operation for row in summary.rows].count("matmul") == 2


def test_layers_under_scan_remat_and_jit():
    class Block(nn.Module):
        @nn.compact
        def __call__(self, x, _):
            return nn.relu(nn.remat(nn.Conv)(4, (3, 3), name="conv")(x)), None

    class Deep(nn.Module):
        @nn.compact
        def __call__(self, x):
            stack = nn.scan(Block, variable_axes={"params": 0}, split_rngs={"params": True}, length=5)
            x, _ = stack(name="blocks")(x, None)
            return jax.jit(lambda x: nn.jit(nn.Dense)(3, name="head")(x))(x.mean(axis=(1, 2)))

    summary = summarize(Deep(), (1, 8, 8, 4))
    convs = [row for row in summary.rows if row.operation == "conv"]
    assert [row.parameters for row in convs] == [148] * 5
    assert [row.receptive_field[0] for row in convs] == [3, 5, 7, 9, 11]
    assert summary.macs == 5 * 64 * 9 * 16 + 12
    assert summary.parameters == sum(row.parameters for row in summary.rows) == 5 * 148 + 15


def test_operations_of_unknown_cost_are_listed():
    class Odd(nn.Module):
        @nn.compact
        def __call__(self, x):
            x = jnp.fft.fft(nn.Dense(4)(x)).real
            return jax.lax.while_loop(lambda v: v.sum() < 1, lambda v: v + 1, x)

    summary = summarize(Odd(), (1, 4))
    assert summary.uncosted == ("fft", "while")
    assert [row.macs for row in summary.rows if row.operation in summary.uncosted] == [None, None]
    assert summary.macs == 16
    assert "unknown cost, not in the multiply-adds: fft" in summary.to_text()


def test_the_most_expensive_branch_of_cond_counts():
    class Either(nn.Module):
        @nn.compact
        def __call__(self, x):
            w = self.param("w", nn.initializers.ones, (4, 4))
            return jax.lax.cond(x.sum() > 0, lambda x: x @ w, lambda x: x, x)

    summary = summarize(Either(), (1, 4))
    assert summary.macs == 16
    assert summary.uncosted == ("cond",)


def test_functions_are_rows():
    class Net(nn.Module):
        @nn.compact
        def __call__(self, x):
            y = nn.relu(nn.Conv(4, (3, 3), name="a")(x))
            x = nn.Dropout(0.5, deterministic=True, name="drop")(x + y)
            x = jnp.concatenate([nn.max_pool(x, (2, 2), (2, 2)), nn.avg_pool(x, (2, 2), (2, 2))], axis=-1)
            return nn.sigmoid(x.mean(axis=(1, 2)))

    rows = summarize(Net(), (1, 8, 8, 4)).rows
    names = ["conv", "relu", "add", "dropout", "max_pool", "avg_pool", "concatenate", "mean", "logistic"]
    assert [row.operation.replace("sigmoid", "logistic") for row in rows] == names
    assert [row.kernel for row in rows if "pool" in row.operation] == [(2, 2), (2, 2)]


def test_pool_written_out_as_slices():
    """A pool keeps its geometry when it is computed from slices inside a custom gradient."""

    @jax.custom_vjp
    def max_pool(x):
        x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-jnp.inf)
        taps = [x[:, i : i + 7 : 2, j : j + 7 : 2] for i in range(3) for j in range(3)]
        best = taps[0]
        for tap in taps[1:]:
            best = jnp.maximum(best, tap)
        return best

    max_pool.defvjp(lambda x: (max_pool(x), None), lambda _, g: (g,))

    class Net(nn.Module):
        @nn.compact
        def __call__(self, x):
            return max_pool(x)

    summary = summarize(Net(), (1, 8, 8, 3))
    (row,) = summary.rows
    assert (row.operation, row.kernel, row.stride, row.padding) == ("max_pool", (3, 3), (2, 2), ((1, 0), (1, 0)))
    assert (row.receptive_field, row.output_shape) == ((3, 3), (1, 4, 4, 3))
    assert not summary.misaligned


def test_xla_counts_no_taps_on_padding():
    """XLA counts 2 FLOPs per multiply-add without padding and fewer with it; our convention is always kh * kw * c."""
    valid, padded = (
        summarize(nn.Conv(8, (3, 3), padding=padding, use_bias=False), (1, 10, 10, 4), xla=True)
        for padding in ("VALID", "SAME")
    )
    assert valid.xla_flops == valid.flops == 2 * 64 * 9 * 32
    inside = sum(3 - (i in (0, 9)) for i in range(10)) ** 2
    assert padded.xla_flops == 2 * inside * 32
    assert padded.flops == 2 * 100 * 9 * 32
    assert "XLA" in padded.to_text()


def test_pools_with_a_named_scope():
    """The pools of zoo.layers have a named scope: two consecutive pools are two rows, a pool by axis is one."""

    class Twice(nn.Module):
        @nn.compact
        def __call__(self, x):
            return max_pool(max_pool(x, 2), 3, 1, 1)

    class ByAxis(nn.Module):
        @nn.compact
        @jax.named_scope("max_pool")
        def __call__(self, x):
            x = nn.max_pool(x, (3, 1), (2, 1), ((0, 1), (0, 0)))
            return nn.max_pool(x, (1, 3), (1, 2), ((0, 0), (0, 1)))

    rows = summarize(Twice(), (1, 8, 8, 3)).rows
    assert [(row.operation, row.kernel, row.stride) for row in rows] == [
        ("max_pool", (2, 2), (2, 2)),
        ("max_pool", (3, 3), (1, 1)),
    ]
    (row,) = summarize(ByAxis(), (1, 8, 8, 3)).rows
    assert (row.kernel, row.stride, row.padding) == ((3, 3), (2, 2), ((0, 1), (0, 1)))
