"""The forms of operations that a platform chooses: values and gradients of the device are those of the CPU's forms."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from two_devices import assert_near, on_both

from zoo import layers
from zoo.kernels.batch_norm import BatchNorm

# The image with its channels, the kernel, and the arguments; each is another form on a CPU.
CONVOLUTIONS = {
    "dense": ((9, 9, 4), (3, 3, 4, 8), {"stride": 2, "padding": 1}),
    "1x1": ((8, 8, 6), (1, 1, 6, 5), {"stride": 2}),
    "depthwise": ((8, 9, 8), (3, 3, 1, 8), {"padding": 1, "groups": 8}),
    "grouped": ((8, 8, 16), (3, 3, 4, 24), {"padding": 1, "groups": 4}),
    "small image": ((2, 2, 8), (3, 3, 8, 8), {"padding": 1}),
    "stem": ((32, 32, 3), (7, 7, 3, 16), {"stride": 2, "padding": 3}),
    "dilated": ((9, 9, 4), (3, 3, 4, 4), {"padding": 2, "dilation": 2}),
    "dilated, stride 2": ((9, 9, 4), (3, 3, 4, 4), {"stride": 2, "padding": 2, "dilation": 2}),
    "dilated, grouped": ((9, 8, 16), (3, 3, 4, 24), {"padding": 4, "dilation": 4, "groups": 4}),
}
POOLS = {
    "max, stride 2": partial(layers.max_pool, window=3, stride=2, padding=1),
    "max, stride 1": partial(layers.max_pool, window=3, stride=1, padding=1),
    "max, large": partial(layers.max_pool, window=7, stride=3, padding=0),
    "average": partial(layers.avg_pool, window=3, stride=2, padding=1),
    "average without padding": partial(layers.avg_pool, window=3, stride=1, padding=1, count_include_pad=False),
    "adaptive": partial(layers.adaptive_avg_pool, size=3),
    "response norm": layers.local_response_norm,
}


def value_and_gradients(function):
    """A function of arrays: the value, and gradients that depend on each element in another way."""

    @jax.jit
    def compute(*arrays):
        value, pullback = jax.vjp(function, *arrays)
        return value, pullback(jnp.cos(jnp.arange(value.size)).reshape(value.shape).astype(value.dtype))

    return compute


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("form", CONVOLUTIONS)
def test_convolutions(accelerator, form, dtype):
    image, kernel, options = CONVOLUTIONS[form]
    arrays = random(4, *image).astype(dtype), random(*kernel, seed=1).astype(dtype)
    found, expected = on_both(accelerator, value_and_gradients(partial(layers.conv, **options)), *arrays)
    assert_near(found, expected, 1e-5 if dtype == "float32" else 5e-3)


@pytest.mark.parametrize("form", POOLS)
def test_pools_and_norms(accelerator, form):
    # Rounded, so that windows have equal maxima: the gradient goes to the first.
    x = np.round(random(4, 13, 13, 8) * 2)
    found, expected = on_both(accelerator, value_and_gradients(POOLS[form]), x)
    assert_near(found, expected, 1e-5)


def test_batch_norm_form(accelerator):
    norm = BatchNorm(use_running_average=False)
    x = random(8, 5, 5, 16) * 3 + 100
    params = {"scale": random(16, seed=1), "bias": random(16, seed=2)}
    batch_stats = {"mean": np.zeros(16, np.float32), "var": np.ones(16, np.float32)}

    def normalized(x, params):
        return norm.apply({"params": params, "batch_stats": batch_stats}, x, mutable=["batch_stats"])[0]

    found, expected = on_both(accelerator, value_and_gradients(normalized), x, params)
    assert_near(found, expected, 1e-4)
