"""Pools against their definitions as NumPy loops in float64."""

import itertools
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from one_program import in_one_program
from plain_layers import IMAGE, assert_close, plain_adaptive_avg_pool, plain_pool, random

from zoo import geometry, layers

POOLS = [(2, None, 0), (3, 2, 0), (3, 2, 1), (3, 1, 1), ((2, 3), (3, 2), (1, 1)), (4, 3, ((2, 0), (1, 2)))]
ALL_PADDINGS = [*POOLS, *itertools.product((2, 3), (1, 2, 3), ("SAME", "VALID"))]
SIZES = [(4, 5), (6, 7), (8, 9), (10, 3)]
NEGATIVE = random(*IMAGE) - 5  # so that a padding of zeros would be the maximum
POSITIVE = random(*IMAGE) + 5


def call(pool, x, window, stride, padding, **options):
    return partial(pool, window=window, stride=stride, padding=padding, **options), x


@cache
def max_pools():
    return in_one_program({pool: call(layers.max_pool, NEGATIVE, *pool) for pool in ALL_PADDINGS})


@cache
def avg_pools():
    calls = {
        (*pool, include): call(layers.avg_pool, POSITIVE, *pool, count_include_pad=include)
        for pool, include in itertools.product(ALL_PADDINGS, (True, False, None))
    }
    return in_one_program(calls)


@cache
def ceil_mode_pools():
    """Of each size and pool: the maxima, the means with the padding and those without."""
    calls = {}
    for size, pool in itertools.product(SIZES, POOLS):
        x = random(2, *size, 3) - 5
        calls[size, *pool, "max"] = call(layers.max_pool, x, *pool, ceil_mode=True)
        for include in (True, False):
            average = call(layers.avg_pool, x, *pool, ceil_mode=True, count_include_pad=include)
            calls[size, *pool, include] = average
    return in_one_program(calls)


@pytest.mark.parametrize(("window", "stride", "padding"), ALL_PADDINGS, ids=str)
def test_max_pool(window, stride, padding):
    ours = max_pools()[window, stride, padding]
    assert_close(ours, plain_pool(NEGATIVE, window, stride, padding))
    assert geometry.output_size(IMAGE[1:3], window, stride or window, padding) == ours.shape[1:3]


@pytest.mark.parametrize(("window", "stride", "padding"), ALL_PADDINGS, ids=str)
@pytest.mark.parametrize("count_include_pad", [True, False, None])
def test_avg_pool(window, stride, padding, count_include_pad):
    # By default explicit padding counts (Caffe, torch) and SAME does not (TensorFlow).
    counts = padding != "SAME" if count_include_pad is None else count_include_pad
    ours = avg_pools()[window, stride, padding, count_include_pad]
    assert_close(ours, plain_pool(POSITIVE, window, stride, padding, count="padding" if counts else "image"))


@pytest.mark.parametrize(("window", "stride", "padding"), POOLS, ids=str)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_ceil_mode(size, window, stride, padding):
    x = random(2, *size, 3) - 5
    ours = ceil_mode_pools()[size, window, stride, padding, "max"]
    assert_close(ours, plain_pool(x, window, stride, padding, ceil_mode=True))
    assert geometry.output_size(size, window, stride or window, padding, ceil_mode=True) == ours.shape[1:3]
    for include, count in ((True, "padding"), (False, "image")):
        ours = ceil_mode_pools()[size, window, stride, padding, include]
        assert_close(ours, plain_pool(x, window, stride, padding, count=count, ceil_mode=True))


def test_ceil_mode_drops_a_last_window_that_would_start_in_the_padding():
    # 4 pixels padded by 1 are 6; windows of 2 every 3 start at 0 and 3, and one at 6 would start past the padding.
    assert geometry.output_size((4, 4), 2, 3, padding=1, ceil_mode=True) == (2, 2)
    # 3 pixels padded by 1 are 5; windows of 2 every 2 start at 0, 2 and 4, and the last would hold only padding.
    assert geometry.output_size((3, 3), 2, 2, padding=1, ceil_mode=True) == (2, 2)
    x = random(1, 3, 3, 1)
    assert np.isfinite(layers.max_pool(x, 2, 2, padding=1, ceil_mode=True)).all()
    assert np.isfinite(layers.avg_pool(x, 2, 2, padding=1, ceil_mode=True, count_include_pad=False)).all()


@pytest.mark.parametrize("pool", [layers.max_pool, layers.avg_pool])
def test_ceil_mode_takes_an_image_smaller_than_the_window(pool):
    x = random(1, 2, 2, 3)
    reduce = np.max if pool is layers.max_pool else np.mean
    np.testing.assert_allclose(pool(x, 3, 2, ceil_mode=True), reduce(x, axis=(1, 2), keepdims=True), rtol=1e-6)


@pytest.mark.parametrize("size", [(3, 4), (1, 1), (7, 10), (9, 12), (14, 5), (6, 6)], ids=str)
def test_adaptive_avg_pool(size):
    x = random(*IMAGE)
    assert_close(jax.jit(partial(layers.adaptive_avg_pool, size=size))(x), plain_adaptive_avg_pool(x, *size))


def test_adaptive_avg_pool_to_the_size_it_has_is_the_identity():
    x = random(2, 6, 6, 3)
    np.testing.assert_array_equal(layers.adaptive_avg_pool(x, 6), x)


def test_global_avg_pool():
    x = random(*IMAGE)
    assert_close(layers.global_avg_pool(x), plain_adaptive_avg_pool(x, 1, 1)[:, 0, 0])


@pytest.mark.parametrize(
    "layer",
    [
        partial(layers.max_pool, window=3, stride=2, padding=1),
        partial(layers.avg_pool, window=3, stride=2, padding=1),
        partial(layers.adaptive_avg_pool, size=3),
        layers.global_avg_pool,
    ],
    ids=["max_pool", "avg_pool", "adaptive_avg_pool", "global_avg_pool"],
)
def test_pools_keep_the_dtype(layer):
    x = random(*IMAGE)
    half, whole = map(jax.jit(layer), (x.astype(jnp.bfloat16), x))
    assert half.dtype == jnp.bfloat16
    assert_close(np.asarray(half, np.float32), np.asarray(whole), rtol=0.03)


# The unit roundoff of each type, and a little for the sums in float32.
ROUNDING = {jnp.bfloat16: 1.001 * 2**-8, jnp.float16: 1.01 * 2**-11}
AVERAGES = {
    "3x3": partial(layers.avg_pool, window=3, stride=1, padding=1, count_include_pad=False),
    "20x20": partial(layers.avg_pool, window=20),
    "same": partial(layers.avg_pool, window=5, stride=3, padding="SAME"),
    "adaptive": partial(layers.adaptive_avg_pool, size=7),
    "adaptive_larger": partial(layers.adaptive_avg_pool, size=(50, 3)),
    "global": lambda x: layers.global_avg_pool(x)[:, None, None],
}


@pytest.mark.parametrize("dtype", ROUNDING, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("average", AVERAGES)
def test_averages_are_rounded_once(average, dtype):
    """Against the same average in float64, of values around 60 whose sums are beyond what bfloat16 and float16 hold."""
    x = (60 + 10 * random(1, 40, 40, 2)).astype(dtype)
    pool = jax.jit(AVERAGES[average])
    with jax.enable_x64(True):
        exact = np.asarray(pool(x.astype(np.float64)))
        assert exact.dtype == np.float64
    found = pool(x)
    assert found.dtype == dtype
    np.testing.assert_allclose(np.asarray(found, np.float64), exact, rtol=ROUNDING[dtype])


def test_averages_of_float64_are_those_of_numpy():
    x = np.asarray(60 + 10 * random(1, 40, 40, 2), np.float64)
    with jax.enable_x64(True):
        averages = (
            layers.global_avg_pool,
            partial(layers.avg_pool, window=20),
            partial(layers.adaptive_avg_pool, size=2),
        )
        whole, pooled, adaptive = in_one_program({i: (average, x) for i, average in enumerate(averages)}).values()
    np.testing.assert_allclose(whole, x.mean((1, 2)), rtol=1e-13)
    blocks = x.reshape(1, 2, 20, 2, 20, 2).mean((2, 4))
    np.testing.assert_allclose(pooled, blocks, rtol=1e-13)
    np.testing.assert_allclose(adaptive, blocks, rtol=1e-13)


def test_average_in_bfloat16():
    """The mean of a window that is half ones is a half."""
    x = np.zeros((1, 20, 20, 1), jnp.bfloat16)
    x[:, :10] = 1
    assert np.asarray(jax.jit(partial(layers.avg_pool, window=20))(x)).item() == 0.5


def test_the_average_of_numbers_near_the_largest_of_float16_is_finite():
    x = np.full((1, 8, 8, 3), 60000, np.float16)
    for pool in (partial(layers.avg_pool, window=8), partial(layers.adaptive_avg_pool, size=3), layers.global_avg_pool):
        assert (np.asarray(jax.jit(pool)(x)) == 60000).all()
        gradient = jax.jit(jax.grad(lambda x, pool=pool: pool(x).sum(dtype=jnp.float32)))(x)
        assert gradient.dtype == jnp.float16 and np.isfinite(gradient).all()
