"""Every number of the lesson, from the formulas and from real layers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from zoo import count
from zoo.layers import Conv, avg_pool, max_pool

CONVS = [
    pytest.param((5, 5, 1), 1, (3, 3), 1, 0, (3, 3, 1), id="5x5 grid, 3x3 filter"),
    pytest.param((32, 32, 3), 20, (8, 8), 2, 1, (14, 14, 20), id="20 filters 8x8, padding 1"),
    pytest.param((32, 32, 3), 20, (8, 8), 2, ((1, 1), (1, 1)), (14, 14, 20), id="padding as pairs"),
    pytest.param((32, 32, 3), 20, (8, 8), 2, "SAME", (16, 16, 20), id="20 filters 8x8, SAME"),
    pytest.param((32, 32, 3), 20, (8, 8), 2, "VALID", (13, 13, 20), id="20 filters 8x8, VALID"),
    pytest.param((10, 10, 3), 64, (5, 5), 2, "SAME", (5, 5, 64), id="64 filters 5x5, SAME"),
]

LAYER = {"filters": 20, "kernel": (8, 8), "stride": 2, "padding": 1}
GRID = np.array([[0, 1, 0.5, 10], [2, 2.5, 1, -8], [4, 0, 5, 6], [15, 1, 2, 3]], np.float32)


@pytest.mark.parametrize(("image", "filters", "kernel", "stride", "padding", "expected"), CONVS)
def test_convolution_shape(image, filters, kernel, stride, padding, expected):
    shape = count.conv_output_shape(image, filters=filters, kernel=kernel, stride=stride, padding=padding)
    assert shape == expected
    layer = Conv(filters, kernel, stride, padding)
    logits, _ = layer.init_with_output(jax.random.key(0), jnp.ones((1, *image)))
    assert logits.shape == (1, *expected)


def test_parameters_with_and_without_sharing():
    assert count.conv_parameters((32, 32, 3), **LAYER, shared=False) == 756_560
    assert count.conv_parameters((32, 32, 3), **LAYER) == 3_860
    assert 756_560 == 196 * 3_860


def test_parameters_of_the_layer_itself():
    layer = Conv(20, (8, 8), stride=2, padding=1)
    params = layer.init(jax.random.key(0), jnp.ones((1, 32, 32, 3)))["params"]
    assert count.parameters(params) == 3_860
    without_bias = Conv(20, (8, 8), use_bias=False).init(jax.random.key(0), jnp.ones((1, 32, 32, 3)))
    assert count.parameters(without_bias) == 3_840
    assert count.conv_parameters((32, 32, 3), filters=20, kernel=8, bias=False) == 3_840


def test_parameters_without_sharing_are_those_of_a_locally_connected_layer():
    patches = jax.eval_shape(
        lambda x: jax.lax.conv_general_dilated_patches(x, (8, 8), (2, 2), ((1, 1), (1, 1))),
        jax.ShapeDtypeStruct((1, 3, 32, 32), jnp.float32),
    )
    _, patch, height, width = patches.shape
    assert height * width * (patch * 20 + 20) == 756_560


@pytest.mark.parametrize("padding", ["VALID", "SAME"])
def test_pool_shape(padding):
    assert count.pool_output_shape((4, 4, 5), window=(2, 2), stride=2, padding=padding) == (2, 2, 5)
    assert count.pool_output_shape((4, 4, 5), window=2, padding=padding) == (2, 2, 5)
    for pool in (max_pool, avg_pool):
        assert pool(jnp.ones((1, 4, 4, 5)), (2, 2), 2, padding).shape == (1, 2, 2, 5)


def test_pool_shape_in_ceil_mode():
    assert count.pool_output_shape((112, 112, 64), window=3, stride=2) == (55, 55, 64)
    assert count.pool_output_shape((112, 112, 64), window=3, stride=2, ceil_mode=True) == (56, 56, 64)


@pytest.mark.parametrize(("pool", "expected"), [(max_pool, [2.5, 10, 15, 6]), (avg_pool, [1.375, 0.875, 5, 4])])
def test_pools_of_the_practice_grid(pool, expected):
    assert pool(jnp.asarray(GRID)[None, :, :, None], 2, 2).ravel().tolist() == expected


def test_bottleneck_from_the_formula():
    direct = count.conv_macs((28, 28, 128), filters=64, kernel=5, padding=2)
    reduced = count.conv_macs((28, 28, 128), filters=32, kernel=1)
    reduced += count.conv_macs((28, 28, 32), filters=64, kernel=5, padding=2)
    assert (direct, reduced) == (160_563_200, 43_352_064)


def test_grouped_convolution_from_the_formula():
    """AlexNet's second layer, two groups: 256 filters of 5x5x48 on 27x27 maps (Krizhevsky et al. 2012)."""
    layer = {"filters": 256, "kernel": 5, "padding": 2, "groups": 2}
    assert count.conv_parameters((27, 27, 96), **layer) == 256 * (5 * 5 * 48 + 1)
    assert count.conv_macs((27, 27, 96), **layer) == 27 * 27 * 256 * 5 * 5 * 48
