"""Every network of the registry projects a unit of a layer to the pixels."""

import jax
import numpy as np
import pytest
from quick import KINDS, computed, shapes_of

import zoo
from zoo.visualize import deconvnet, receptive_boxes

# Enough for every network.
SIZE = 96


def drawn(leaf):
    """He-normal kernels, and values around one; a thousand numbers are repeated, as drawing more takes long."""
    values = np.resize(np.random.default_rng(0).normal(size=1009).astype(np.float32), leaf.shape)
    return values * np.float32(np.sqrt(2 / np.prod(leaf.shape[:-1]))) if leaf.ndim > 1 else 1 + 0.1 * values


@pytest.mark.parametrize("name", computed(zoo.list_models(), KINDS))
def test_a_unit_is_projected_to_the_pixels(name):
    info, model = zoo.model_info(name), zoo.create_model(name)
    shape = (min(SIZE, info.input_size), min(SIZE, info.input_size), info.channels)
    x = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    variables, layer = jax.tree.map(drawn, shapes_of(name)), info.stages[1]
    made = deconvnet(model, variables, x, layer, [0, 1])
    assert made.pixels.shape == x.shape and made.pixels.any(axis=(1, 2, 3)).all()
    for pixels, box in zip(made.pixels, receptive_boxes(model, shape, layer, made.positions), strict=True):
        top, left, bottom, right = box.clip(min=0)
        assert np.count_nonzero(pixels[top:bottom, left:right]) == np.count_nonzero(pixels)
