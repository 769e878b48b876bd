"""Max pooling: values and gradients against XLA's, switches against NumPy."""

import itertools
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from one_program import in_one_program

from zoo.geometry import WindowTooLarge, explicit_padding, pair
from zoo.kernels.max_pool import pool_with_switches, select_by_switches
from zoo.layers import max_pool

# Window, stride, padding, ceil mode: those of the networks, and unusual ones.
POOLS = [
    (2, 2, 0, False),
    (3, 2, 0, False),
    (3, 2, 0, True),
    (3, 2, 1, False),
    (3, 2, "SAME", False),
    (3, 1, 1, False),
    (2, 1, 0, False),
    (5, 1, 2, False),
    (3, 3, 1, True),
    (2, 3, 0, False),
    ((1, 3), 1, (0, 1), False),
    ((2, 3), (1, 2), 1, True),
    (1, 2, 0, False),
    # More than 49 pixels.
    (8, 1, 4, False),
    ((9, 7), (2, 3), (4, 3), True),
    (8, 3, "SAME", False),
    ((60, 1), 1, (30, 0), False),
]
SIZES = [(7, 8), (9, 6)]


def xla_max_pool(x, window, stride, pads):
    return lax.reduce_window(
        x, -jnp.inf, lax.max, (1, *pair(window), 1), (1, *pair(stride), 1), ((0, 0), *pads, (0, 0))
    )


def random_images(size, ties, dtype):
    """Normal values, or with `ties` small integers, many of which are equal."""
    rng = np.random.default_rng(0)
    values = rng.integers(-2, 3, (2, *size, 3)) if ties else rng.normal(size=(2, *size, 3))
    return values.astype(dtype)


def value_and_gradient(pool, x, gradient):
    y, pullback = jax.vjp(pool, x)
    return pool(x), y, pullback(gradient)[0]


@cache
def pooled():
    """Values, values where a gradient is taken, and gradients of each pool and image size: ours and XLA's."""
    ours, expected = {}, {}
    for case in itertools.product(POOLS, SIZES):
        (window, stride, padding, ceil_mode), size = case
        pads = explicit_padding(size, window, stride, padding, ceil_mode=ceil_mode)
        reference = partial(xla_max_pool, window=window, stride=stride, pads=pads)
        x = np.concatenate([random_images(size, ties, np.float64) for ties in (False, True)])
        gradient = np.random.default_rng(1).normal(size=jax.eval_shape(reference, x).shape)
        pool = partial(max_pool, window=window, stride=stride, padding=padding, ceil_mode=ceil_mode)
        ours[case] = (partial(value_and_gradient, pool), x, gradient)
        expected[case] = (partial(value_and_gradient, reference), x, gradient)
    with jax.enable_x64(True):
        return in_one_program(ours), in_one_program(expected)


@pytest.mark.parametrize("pool", POOLS, ids=str)
def test_values_and_gradients_are_those_of_xla(pool):
    for size in SIZES:
        (value, y, found), (expected, _, gradient) = (results[pool, size] for results in pooled())
        np.testing.assert_array_equal(value, expected)
        np.testing.assert_array_equal(y, expected)
        np.testing.assert_allclose(found, gradient, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_the_gradient_has_the_dtype_of_the_input(dtype):
    pool = partial(value_and_gradient, lambda x: max_pool(x, 3, 2, 1))
    x, gradient = (jax.ShapeDtypeStruct((2, n, n, 3), dtype) for n in (6, 3))
    assert all(result.dtype == dtype for result in jax.eval_shape(pool, x, gradient))


def test_switches_are_the_first_maximum_row_by_row():
    x = random_images((8, 9), True, np.float32)
    y, switches = map(np.asarray, jax.jit(lambda x: pool_with_switches(x, (3, 3), (2, 2), ((1, 1), (0, 0))))(x))
    assert switches.dtype == jnp.int8
    padded = np.pad(x, ((0, 0), (1, 1), (0, 0), (0, 0)), constant_values=-np.inf)
    for image, row, column, channel in itertools.product(*map(range, y.shape)):
        window = padded[image, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3, channel]
        assert switches[image, row, column, channel] == 1 + window.argmax()
        assert y[image, row, column, channel] == window.max()


def test_unpooling_restores_the_positions():
    x = np.abs(random_images((6, 8), False, np.float32)) + 1
    geometry = ((2, 2), (2, 2), ((0, 0), (0, 0)))

    @jax.jit
    def pooled_and_unpooled(x):
        y, switches = pool_with_switches(x, *geometry)
        return y, *jax.linear_transpose(lambda x: select_by_switches(x, switches, *geometry), x)(y)

    y, back = map(np.asarray, pooled_and_unpooled(x))
    np.testing.assert_array_equal(back, np.where(back != 0, x, 0))
    assert int((back != 0).sum()) == y.size
    np.testing.assert_array_equal(xla_max_pool(back, 2, 2, geometry[2]), y)


@pytest.mark.parametrize("window", [3, 9])
def test_nan_stays_nan(window):
    x = random_images((20, 20), False, np.float32)
    x[0, 8, 9, 0] = np.nan
    value, y, _ = jax.jit(partial(value_and_gradient, lambda x: max_pool(x, window, 1, window // 2)))(x, x)
    near = np.abs(np.arange(20)[:, None] - (8, 9)) <= window // 2
    expected = np.zeros(y.shape, bool)
    expected[0, :, :, 0] = near[:, None, 0] & near[None, :, 1]
    np.testing.assert_array_equal(np.isnan(y), expected)
    np.testing.assert_array_equal(np.isnan(value), expected)


@pytest.mark.parametrize("window", [3, 7, 8, 30])
def test_the_gradient_compiles_with_deterministic_operations(window):
    """On a GPU XLA refuses select-and-scatter with them."""
    gradient = jax.jit(jax.grad(lambda x: max_pool(x, window, 1, window // 2).sum()))
    lowered = gradient.trace(jax.ShapeDtypeStruct((1, 40, 40, 2), jnp.float32)).lower(lowering_platforms=("cuda",))
    assert "reduce_window" not in lowered.as_text() and "scatter" not in lowered.as_text()


def test_a_window_that_does_not_fit_is_an_error():
    with pytest.raises(WindowTooLarge):
        max_pool(np.zeros((1, 2, 2, 1), np.float32), 3, 1)
