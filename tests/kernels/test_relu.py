"""ReLU by its output: values and gradients of Flax's, to the bit."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from zoo.kernels.relu import keeping_output

RELU = keeping_output(nn.relu)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_values_and_gradients_are_those_of_flax(dtype):
    smallest = jnp.finfo(dtype).tiny
    special = [0.0, -0.0, smallest, -smallest, np.inf, -np.inf]
    x = jnp.asarray([*special, *np.random.default_rng(0).normal(size=50)], dtype)

    @jax.jit
    def both(x):
        weights = jnp.arange(1, len(x) + 1, dtype=x.dtype)
        return [(act(x), jax.vjp(act, x)[1](weights)[0]) for act in (RELU, nn.relu)]

    (values, gradient), expected = jax.device_get(both(x))
    np.testing.assert_array_equal(values, expected[0])
    np.testing.assert_array_equal(gradient, expected[1])
