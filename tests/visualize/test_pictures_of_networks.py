"""Every network of the registry projects a unit of a layer to the pixels."""

import jax
import numpy as np
import pytest
from quick import computed, drawn, smallest_of

import zoo
from zoo.visualize import deconvnet, receptive_boxes


@pytest.mark.parametrize("name", computed(zoo.list_models()))
def test_a_unit_is_projected_to_the_pixels(name):
    info, model = zoo.model_info(name), zoo.create_model(name)
    size = smallest_of(name)
    x = jax.random.normal(jax.random.key(0), (2, size, size, info.channels))
    variables, layer = drawn(model, x.shape[1:]), info.stages[1]
    made = deconvnet(model, variables, x, layer, [0, 1])
    assert made.pixels.shape == x.shape and np.isfinite(made.pixels).all() and made.pixels.any()
    for pixels, (top, left, bottom, right) in zip(
        made.pixels, receptive_boxes(model, x.shape[1:], layer, made.places), strict=True
    ):
        inside = pixels[max(top, 0) : bottom, max(left, 0) : right]
        assert np.count_nonzero(inside) == np.count_nonzero(pixels)
