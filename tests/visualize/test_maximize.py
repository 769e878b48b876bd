"""Activation maximisation where the best image is known, and what each regulariser does."""

import flax.linen as nn
import jax
import numpy as np
import pytest
from small_networks import IMAGE, Small, images, variables_of

import zoo
from zoo.layers import ConvBlock
from zoo.models.network import Network
from zoo.visualize import LOGITS, maximize

KEY = jax.random.key(0)


class OneFilter(Network):
    """One filter over all of the image: the best image has the signs of its weights."""

    @nn.compact
    def __call__(self, x):
        return ConvBlock(2, (6, 7), act=None, use_bias=False, name="conv")(x).mean(axis=(1, 2))


@pytest.mark.parametrize("fourier", [False, True])
def test_it_finds_the_best_image_of_a_filter(fourier):
    kernel = np.random.default_rng(0).normal(size=(6, 7, 3, 2)).astype(np.float32)
    variables = {"params": {"conv": {"conv": {"kernel": kernel}}}}
    low, high = np.array([-2.0, -1.0, 0.0]), np.array([1.0, 3.0, 0.5])
    found = maximize(
        *(OneFilter(), variables, "conv", [0, 1], KEY),
        image_shape=(6, 7, 3),
        bounds=(low, high),
        jitter=0,
        learning_rate=0.3,
        fourier=fourier,
    )
    best = np.moveaxis(np.where(kernel > 0, high[:, None], low[:, None]), -1, 0)
    values = (best * np.moveaxis(kernel, -1, 0)).sum(axis=(1, 2, 3))
    assert found.images.shape == (2, 6, 7, 3)
    assert (found.images >= low).all() and (found.images <= high).all()
    np.testing.assert_allclose(found.values, values, rtol=0.05)


@pytest.mark.parametrize("layer", ["conv2", "conv3/conv", LOGITS])
def test_units_are_excited_more_than_by_any_of_many_random_images(layer):
    model = Small()
    variables = variables_of(model)
    found = maximize(model, variables, layer, [1, 4], KEY, steps=60, jitter=2)
    x = np.clip(images(200), -2, 2)
    seen = model.apply(variables, x) if layer == LOGITS else zoo.features(model, variables, x, [layer])[layer]
    seen = np.asarray(seen).reshape(200, -1, seen.shape[-1]).mean(axis=1)[:, [1, 4]]
    assert (found.values > seen.max(axis=0)).all()
    assert found.images.shape == (2, *IMAGE)


def roughness(found):
    return sum(np.abs(np.diff(found.images, axis=axis)).mean() for axis in (1, 2))


def test_blur_and_total_variation_make_it_smoother():
    model = Small()
    variables = variables_of(model)
    for fourier in (True, False):
        plain, varied, blurred = (
            maximize(model, variables, "conv3/conv", 2, KEY, steps=30, fourier=fourier, **how)
            for how in ({}, {"total_variation": 5.0}, {"blur": 0.5})
        )
        assert roughness(varied) < 0.8 * roughness(plain) and roughness(blurred) < 0.8 * roughness(plain)


def test_the_same_key_gives_the_same_image_and_another_another():
    model = Small()
    variables = variables_of(model)
    one, same, other = (
        maximize(model, variables, "conv3/conv", 2, jax.random.key(seed), steps=3).images for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)


ERRORS = {
    "steps is 0, jitter 8, blur 0.0": {"steps": 0},
    "conv2 has no unit 8: it has 8": {"unit": 8},
    "the output has no unit 5: it has 5": {"unit": 5, "layer": LOGITS},
    "no layer 'conv0'; did you mean": {"layer": "conv0"},
    "8x8 images are too small for Small": {"image_shape": (8, 8, 3)},
}


@pytest.mark.parametrize("message", ERRORS)
def test_bad_input_is_one_clear_line(message):
    given = {"layer": "conv2", "unit": 0, "key": KEY} | ERRORS[message]
    with pytest.raises(zoo.ZooError, match=message):
        maximize(Small(), variables_of(Small()), **given)
    with pytest.raises(zoo.ZooError, match="Conv does not say its image size; pass image_shape"):
        maximize(nn.Conv(3, (3, 3)), {}, LOGITS, 0, KEY)
