"""Multiply-adds and weights in every form of a convolution or a product, against plain arithmetic."""

import json

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from zoo.count import CountError, summarize

NUMBERS = ("NHWC", "HWIO", "NHWC")


def transposed(features, kernel, strides, padding="VALID", **options):
    return nn.ConvTranspose(features, kernel, strides, padding, use_bias=False, **options)


# name: (layer, input shape, multiply-adds). Each input position uses the kernel once, as fvcore counts for torch's
# ConvTranspose2d: height * width * kh * kw * channels / groups * features.
TRANSPOSED = {
    "4x4, stride 1, on 1x1 (DCGAN's first layer)": (transposed(512, (4, 4), (1, 1)), (1, 1, 1, 100), 819_200),
    "4x4, stride 2, padding 1 (DCGAN's second layer)": (
        transposed(256, (4, 4), (2, 2), ((2, 2), (2, 2))),
        (1, 4, 4, 512),
        33_554_432,
    ),
    "3x3, stride (2, 1)": (transposed(5, (3, 3), (2, 1)), (1, 8, 8, 4), 11_520),
    "3x3, stride (1, 2)": (transposed(5, (3, 3), (1, 2)), (1, 8, 6, 4), 8_640),
    "3x3, stride 2, SAME": (transposed(5, (3, 3), (2, 2), "SAME"), (2, 8, 8, 4), 2 * 11_520),
    "3x3, stride 1, SAME": (transposed(5, (3, 3), (1, 1), "SAME"), (1, 8, 8, 4), 11_520),
    "2x2, stride 3 (gaps between the kernels)": (transposed(5, (2, 2), (3, 3)), (1, 8, 8, 4), 5_120),
    "dilated": (transposed(5, (3, 3), (2, 2), kernel_dilation=(2, 2)), (1, 8, 8, 4), 11_520),
    "kernel transposed": (transposed(5, (3, 3), (1, 1), transpose_kernel=True), (1, 8, 8, 4), 11_520),
    "circular": (transposed(5, (3, 3), (1, 1), "CIRCULAR"), (1, 8, 8, 4), 11_520),
    "1-D, stride 1": (transposed(5, (3,), (1,)), (1, 8, 4), 480),
    "3-D, stride 2": (transposed(5, (2, 2, 2), (2, 2, 2)), (1, 3, 4, 5, 4), 60 * 8 * 20),
}


@pytest.mark.parametrize("name", TRANSPOSED)
def test_transposed_convolution(name):
    layer, shape, macs = TRANSPOSED[name]
    summary = summarize(layer, shape)
    assert summary.macs == macs
    (row,) = [row for row in summary.rows if row.weights]
    assert row.operation == "transposed_conv"
    # One weight for each multiply-add of one example.
    assert summary.parameters_without_sharing == macs // shape[0]
    assert all("cuts off counts" in text for text in (summary.to_text(), summary.to_markdown()))
    folded = summarize(layer, shape, depth=0)
    assert "cuts off counts" in folded.to_text() and json.loads(folded.to_json())["has_transposed_convolutions"]


def test_only_transposed_convolutions_have_a_convention_of_their_own():
    summary = summarize(nn.Conv(2, (3, 3), padding="VALID"), (1, 8, 8, 3))
    assert not summary.has_transposed_convolutions and "transposed" not in summary.to_text()


class Function(nn.Module):
    """A function of x and of one parameter of a shape."""

    function: callable
    shape: tuple[int, ...]

    @nn.compact
    def __call__(self, x):
        return self.function(x, self.param("w", nn.initializers.ones, self.shape))


def convolution(x, w, strides=(1, 1), padding="VALID", **options):
    return lax.conv_general_dilated(x, w, strides, padding, dimension_numbers=NUMBERS, **options)


def met_taps(size, kernel, stride, input_dilation, low, output):
    """Pairs of output position and tap that meet a value of the input, counted one by one."""
    values = {i * input_dilation + low for i in range(size)}
    return sum(o * stride + tap in values for o in range(output) for tap in range(kernel))


def gradient_of_a_convolution(x, w):
    return jax.grad(lambda x: (convolution(x, w, (2, 2)) ** 2).sum())(x)


X = (2, 8, 8, 4)
PRODUCTS = {
    "lax.conv_transpose, stride 1": (lambda x, w: lax.conv_transpose(x, w, (1, 1), "VALID"), (3, 3, 4, 5), 2 * 11_520),
    "depthwise, transposed": (
        lambda x, w: convolution(x, w, padding=((2, 2), (2, 2)), lhs_dilation=(2, 2), feature_group_count=4),
        (3, 3, 1, 4),
        2 * 64 * 9 * 4,
    ),
    "stride 2 between zeros": (
        lambda x, w: convolution(x, w, (2, 2), ((1, 1), (2, 2)), lhs_dilation=(3, 3)),
        (3, 3, 4, 5),
        2 * met_taps(8, 3, 2, 3, 1, 11) * met_taps(8, 3, 2, 3, 2, 12) * 20,
    ),
    "groups of the batch": (
        lambda x, w: convolution(x, w, batch_group_count=2),
        (3, 3, 4, 6),
        # One example with 6 features, three from each example of the batch.
        36 * 9 * 4 * 6,
    ),
    # Forward, then each of the 3x3 output positions' gradients uses the kernel once: 2 examples each.
    "gradient of a strided convolution": (gradient_of_a_convolution, (3, 3, 4, 5), 2 * (2 * 9 * 9 * 20)),
    "einsum": (lambda x, w: jnp.einsum("bhwc,hcd->bwd", x, w), (8, 4, 5), 2 * 8 * 8 * 4 * 5),
    "product from the left": (lambda x, w: jnp.einsum("dc,bhwc->bhwd", w, x), (5, 4), 2 * 64 * 20),
    "accumulated in another type": (
        lambda x, w: lax.dot_general(
            x.astype(jnp.bfloat16), w, (((3,), (0,)), ((), ())), preferred_element_type=jnp.float32
        ),
        (4, 5),
        2 * 64 * 20,
    ),
    "a kernel that is a product": (lambda x, w: x @ (w.T @ w), (3, 4), 2 * 64 * 16 + 3 * 16),
    "example by example": (lambda x, w: jax.vmap(lambda x: x @ w)(x), (4, 5), 2 * 64 * 20),
    "no contracted values": (lambda x, w: x[..., :0] @ w[:0], (4, 5), 0),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name):
    function, shape, macs = PRODUCTS[name]
    summary = summarize(Function(function, shape), X)
    assert (summary.macs, summary.uncosted, summary.unused) == (macs, (), ())
    assert sum(row.parameters for row in summary.rows) == np.prod(shape)


def test_a_convolution_for_each_example_with_its_own_kernel():
    """`vmap` over images and kernels makes one convolution with groups."""

    class Hyper(nn.Module):
        @nn.compact
        def __call__(self, x):
            kernels = nn.Dense(3 * 3 * 4 * 5, use_bias=False)(x.mean((1, 2))).reshape(-1, 3, 3, 4, 5)
            return jax.vmap(lambda x, k: convolution(x[None], k)[0])(x, kernels)

    assert summarize(Hyper(), X).macs == 2 * (4 * 180 + 36 * 180)


# name: (layer, input shape, multiply-adds, parameters, parameters without sharing)
WITHOUT_SHARING = {
    "conv": (nn.Conv(5, (3, 3), padding="VALID"), X, 2 * 6480, 185, 36 * 185),
    "ConvLocal": (nn.ConvLocal(5, (3, 3), padding="VALID"), X, 2 * 6480, 6660, 6660),
    "ConvLocal, strided": (nn.ConvLocal(5, (3, 3), 2, padding="VALID"), X, 2 * 9 * 180, 9 * 185, 9 * 185),
    "ConvLocal, 1-D": (nn.ConvLocal(5, (3,), padding="VALID"), (1, 8, 4), 6 * 60, 6 * 65, 6 * 65),
    "dense on feature maps": (nn.Dense(5), X, 2 * 1280, 25, 64 * 25),
    "dense on flattened positions": (
        nn.Sequential([lambda x: x.reshape(-1, 4), nn.Dense(5), lambda x: x.reshape(-1, 8, 8, 5)]),
        X,
        2 * 1280,
        25,
        64 * 25,
    ),
    "dense on flattened images": (
        nn.Sequential([lambda x: x.reshape(x.shape[0], -1), nn.Dense(5)]),
        X,
        2 * 1280,
        1285,
        1285,
    ),
    "dense over two axes": (nn.DenseGeneral(5, axis=(-2, -1)), X, 2 * 8 * 160, 165, 8 * 165),
    "conv on flattened frames": (
        nn.Sequential([lambda x: x.reshape(-1, 8, 8, 4), nn.Conv(5, (3, 3), padding="VALID")]),
        (2, 3, 8, 8, 4),
        2 * 3 * 6480,
        185,
        3 * 36 * 185,
    ),
    "a bias at each position": (Function(lambda x, w: x + w, (8, 8, 4)), X, 0, 256, 256),
    "a scale at each position": (Function(lambda x, w: x * w, (8, 8, 1)), X, 0, 64, 256),
    "a token before the others": (
        Function(
            lambda x, w: jnp.concatenate([jnp.broadcast_to(w, (2, 1, 4)), x.reshape(2, 64, 4)], axis=1), (1, 1, 4)
        ),
        X,
        0,
        4,
        4,
    ),
    "one slope": (nn.PReLU(), X, 0, 1, 64),
    "layer norm": (nn.LayerNorm(), X, 0, 8, 64 * 8),
    "group norm": (nn.GroupNorm(2), X, 0, 8, 64 * 8),
    "batch norm in training": (nn.BatchNorm(use_running_average=False), X, 0, 8, 64 * 8),
    "weight norm": (nn.WeightNorm(nn.Dense(5)), X, 2 * 1280, 30, 64 * 30),
}


@pytest.mark.parametrize("name", WITHOUT_SHARING)
def test_parameters_without_sharing(name):
    layer, shape, macs, parameters, without_sharing = WITHOUT_SHARING[name]
    summary = summarize(layer, shape)
    assert (summary.macs, summary.parameters) == (macs, parameters)
    assert summary.parameters_without_sharing == without_sharing


def test_local_convolution_is_one_row():
    (row,) = summarize(nn.ConvLocal(5, (3, 3), 2, padding="VALID"), X).rows
    assert (row.operation, row.kernel, row.stride, row.weights) == ("conv_local", (3, 3), (2, 2), 9 * 180)


def test_spectral_norm_counts_its_power_iteration():
    """Flax iterates once: two products of the [4, 5] kernel with a vector, and one for the estimate of its norm."""
    summary = summarize(nn.SpectralNorm(nn.Dense(5)), X, call={"update_stats": True})
    dense = [row for row in summary.rows if row.operation == "dense"]
    assert [(row.parameters, row.weights, row.macs) for row in dense] == [(25, 20, 2 * 1280)]
    assert summary.macs - 2 * 1280 == 2 * 20 + 20 + 5
    assert (summary.uncosted, summary.unused) == ((), ())


UNKNOWN = {
    "fft": lambda x, w: jnp.fft.fft(x @ w).real,
    "while": lambda x, w: lax.while_loop(lambda y: y.sum() < 1, lambda y: y @ w, x),
    "custom_linear_solve": lambda x, w: jnp.linalg.solve(w, x[0, 0].T),
    "pure_callback": lambda x, w: jax.pure_callback(lambda x: x, x, x),
    "ragged_dot_general": lambda x, w: lax.ragged_dot(x[0, 0], w[None], jnp.array([8])),
    # Of variables alone:
    "svd": lambda x, w: x @ jnp.linalg.svd(w)[0],
    "cond": lambda x, w: lax.cond(x.sum() > 0, lambda: x @ w, lambda: x),
    "cond, cheaper": lambda x, w: x @ lax.cond(w.sum() > 0, lambda: w @ w, lambda: w),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_unknown_costs_are_marked(name):
    summary = summarize(Function(UNKNOWN[name], (4, 4)), X)
    assert any(name.partition(",")[0] in uncosted for uncosted in summary.uncosted)
    assert any(row.macs is None for row in summary.rows)
    assert summarize(Function(UNKNOWN[name], (4, 4)), X, depth=0).macs == summary.macs


FREE = {
    "bits": lambda x, w: jnp.signbit(x) + lax.population_count(x.astype(int) << 2) + lax.clz(x.astype(int) >> 1),
    "special functions": lambda x, w: jax.scipy.special.i0e(x) + jax.scipy.special.betainc(1.0, 2.0, x) + jnp.sinc(x),
    "scatter": lambda x, w: x.at[0].mul(2.0).at[1].add(-1.0).at[:, 2].set(0.0),
    "reduction by a function": lambda x, w: lax.reduce(x, 1.0, lambda a, b: a * b + a, (1,)),
    "gradient of a pool": lambda x, w: jax.grad(lambda x: nn.max_pool(x, (2, 2), (2, 2)).sum())(x),
    "sorting": lambda x, w: jnp.sort(x, axis=1) + jnp.cumsum(x, axis=2),
}


@pytest.mark.parametrize("name", FREE)
def test_operations_without_multiply_adds(name):
    summary = summarize(Function(FREE[name], (4, 4)), X)
    assert (summary.macs, summary.uncosted) == (0, ())


def test_a_branch_is_an_upper_bound_unless_all_cost_the_same():
    def either(x, w):
        return lax.switch(jnp.argmax(x.mean((0, 1, 2))), [lambda: x @ w, lambda: jnp.tanh(x @ w), lambda: w[0] + x @ w])

    same = summarize(Function(either, (4, 4)), X)
    assert (same.macs, same.uncosted) == (2 * 64 * 16, ())
    other = summarize(Function(UNKNOWN["cond"], (4, 4)), X)
    assert (other.macs, other.uncosted) == (2 * 64 * 16, ("cond",))
    assert "upper bound" in other.to_text() and "upper bound" not in same.to_text()


def test_known_multiply_adds_count_beside_unknown_ones():
    """Also where they are in one row with an operation of unknown cost."""

    class Mixed(nn.Module):
        @nn.compact
        def __call__(self, x):
            return nn.Dense(4, use_bias=False)(jnp.fft.fft(nn.Dense(4, use_bias=False)(x)).real)

    full, folded = (summarize(Mixed(), X, depth=depth) for depth in (None, 0))
    assert full.macs == folded.macs == 2 * 2 * 64 * 16
    assert folded.rows[0].macs is None


class EdgePadded(nn.Module):
    """Replicate padding, which concatenates an empty slice on the way."""

    mode: str

    @nn.compact
    def __call__(self, x):
        x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode=self.mode)
        return nn.Conv(4, (3, 3), padding="VALID", use_bias=False)(x)


EMPTY = {
    **{mode: (EdgePadded(mode), (1, 8, 8, 4), 64 * 144) for mode in ("edge", "reflect", "symmetric", "wrap")},
    "no examples": (EdgePadded("constant"), (0, 8, 8, 4), 0),
    "no features": (Function(lambda x, w: convolution(x, w[..., :0]), (3, 3, 4, 5)), (1, 8, 8, 4), 0),
    "no channels": (Function(lambda x, w: convolution(x[..., :0], w[:, :, :0]), (3, 3, 4, 5)), (1, 8, 8, 4), 0),
    "an empty part": (
        nn.Sequential([lambda x: jnp.concatenate([x[:, :0], x], axis=1), nn.Dense(5, use_bias=False)]),
        (1, 8, 8, 4),
        1280,
    ),
    "a convolution of nothing": (
        nn.Sequential([lambda x: x[:, :0], nn.Conv(5, (3, 3), padding="VALID", use_bias=False)]),
        (1, 8, 8, 4),
        0,
    ),
    "cut away": (Function(lambda x, w: convolution(x, w, padding=((-8, 0), (0, 0))), (3, 3, 4, 5)), (1, 8, 8, 4), 0),
}


@pytest.mark.parametrize("name", EMPTY)
def test_arrays_that_are_empty_on_purpose(name):
    layer, shape, macs = EMPTY[name]
    assert summarize(layer, shape).macs == macs


LOCAL = nn.ConvLocal(5, (3, 3), padding="VALID")
FLAT_DENSE = nn.Sequential([lambda x: x.reshape(-1, 4), nn.Dense(5, use_bias=False), lambda x: x.reshape(1, 8, 8, 5)])
FOUND = {
    "edge padding: MACs (64 positions x 9 x 4 x 4)": (EdgePadded("edge"), (1, 8, 8, 4), "macs", 9216),
    "transposed 4x4, stride 1, on 1x1x100 (each input place uses the kernel once)": (
        transposed(512, (4, 4), (1, 1)),
        (1, 1, 1, 100),
        "macs",
        819_200,
    ),
    "transposed 3x3, stride (2, 1)": (transposed(5, (3, 3), (2, 1)), (1, 8, 8, 4), "macs", 11_520),
    "ConvLocal: MACs (36 positions x 36 x 5)": (LOCAL, (1, 8, 8, 4), "macs", 6480),
    "ConvLocal: parameters without sharing are its parameters": (
        LOCAL,
        (1, 8, 8, 4),
        "parameters_without_sharing",
        6660,
    ),
    "dense on flattened positions, without sharing": (FLAT_DENSE, (1, 8, 8, 4), "parameters_without_sharing", 1280),
}


@pytest.mark.parametrize("name", FOUND)
def test_found_by_users(name):
    layer, shape, quantity, right = FOUND[name]
    assert getattr(summarize(layer, shape), quantity) == right


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv(4, (5, 5), padding="VALID"), (1, 4, 8, 3)),
        (nn.Conv(4, (3, 3), padding="VALID", kernel_dilation=4), (1, 8, 8, 3)),
        (lambda: nn.Sequential([lambda x: nn.max_pool(x, (9, 9))]), (1, 8, 8, 3)),
        (nn.Conv(4, (5,), padding="VALID"), (1, 4, 3)),
    ],
)
def test_a_window_that_does_not_fit(layer, shape):
    layer = layer if isinstance(layer, nn.Module) else layer()
    with pytest.raises(CountError, match=f"too small for {type(layer).__name__}.*does not fit"):
        summarize(layer, shape)
