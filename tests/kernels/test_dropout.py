"""Dropout against Flax's: the same bits, also where Flax's refuses the array."""

import flax.linen as nn
import jax
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec
from plain_layers import random

from zoo.kernels.dropout import Dropout

X = random(4, 3, 3, 5)


def dropped(kind, x, train=True, **fields):
    return kind(deterministic=not train, **fields).apply({}, x, rngs={"dropout": jax.random.key(3)})


@pytest.mark.parametrize(
    "fields", [{"rate": 0.3}, {"rate": 0.6, "broadcast_dims": (1, 2, 3)}, {"rate": 0.0}, {"rate": 1.0}]
)
def test_bits_are_those_of_flax(fields):
    np.testing.assert_array_equal(dropped(Dropout, X, **fields), dropped(nn.Dropout, X, **fields))
    np.testing.assert_array_equal(dropped(Dropout, X, train=False, **fields), X)


@pytest.mark.parametrize("fields", [{"rate": 0.3}, {"rate": 0.6, "broadcast_dims": (1, 2, 3)}])
def test_values_and_gradients_on_the_default_mesh_are_those_of_one_device(fields):
    def loss(x):
        y = dropped(Dropout, x, **fields)
        return (y * y).sum(), y

    mesh = jax.make_mesh((2,), ("data",), devices=jax.devices()[:2])
    with jax.set_mesh(mesh):
        x = jax.device_put(X, NamedSharding(mesh, PartitionSpec("data")))
        split = jax.jit(jax.grad(loss, has_aux=True))(x)
    for ours, expected in zip(split, jax.jit(jax.grad(loss, has_aux=True))(X), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-6)
