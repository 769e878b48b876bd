"""Activation maximisation for a known best image, and the effect of each regulariser."""

import flax.linen as nn
import jax
import numpy as np
import pytest
from small_networks import IMAGE, Small, images, maps_of, variables_of

import zoo
from zoo.layers import ConvBlock
from zoo.models.network import Network
from zoo.visualize import LOGITS, maximize
from zoo.visualize.methods.maximize import COLOUR_COVARIANCE_SQRT, Basis, _to_images

KEY = jax.random.key(0)


class OneFilter(Network):
    """One filter over all of the image: the best image has the signs of its weights."""

    @nn.compact
    def __call__(self, x):
        return ConvBlock(2, (6, 7), act=None, use_bias=False, name="conv")(x).mean(axis=(1, 2))


# In correlated colours the best image, which is noise, is farther away.
@pytest.mark.parametrize(("how", "tolerance"), [({"fourier": False}, 0.05), ({"decorrelate": False}, 0.05), ({}, 0.1)])
def test_it_finds_the_best_image_of_a_filter(how, tolerance):
    kernel = np.random.default_rng(0).normal(size=(6, 7, 3, 2)).astype(np.float32)
    variables = {"params": {"conv": {"conv": {"kernel": kernel}}}}
    low, high = np.array([-2.0, -1.0, 0.0]), np.array([1.0, 3.0, 0.5])
    found = maximize(
        *(OneFilter(), variables, "conv", [0, 1], KEY),
        image_shape=(6, 7, 3),
        bounds=(low, high),
        jitter=0,
        learning_rate=0.3,
        **how,
    )
    best = np.moveaxis(np.where(kernel > 0, high[:, None], low[:, None]), -1, 0)
    values = (best * np.moveaxis(kernel, -1, 0)).sum(axis=(1, 2, 3))
    assert found.images.shape == (2, 6, 7, 3)
    assert (found.images >= low).all() and (found.images <= high).all()
    np.testing.assert_allclose(found.values, values, rtol=tolerance)


@pytest.mark.parametrize("layer", ["conv2", "conv3/conv", LOGITS])
def test_units_are_excited_more_than_by_any_of_many_random_images(layer):
    model = Small()
    variables = variables_of(model)
    found = maximize(model, variables, layer, [1, 4], KEY, steps=60, jitter=2)
    x = np.clip(images(200), -2, 2)
    activations = np.asarray(maps_of(model, variables, x, layer))
    activations = activations.reshape(200, -1, activations.shape[-1]).mean(axis=1)[:, [1, 4]]
    assert (found.values > activations.max(axis=0)).all()
    assert found.images.shape == (2, *IMAGE)


# Of ImageNet's colours' covariance the Cholesky factor, to two digits, as lucid's earlier code has it.
CHOLESKY = np.array([[0.28, 0.00, 0.00], [0.25, 0.12, 0.00], [0.23, 0.14, 0.14]])


def test_colours_have_the_covariance_of_natural_images():
    np.testing.assert_allclose(COLOUR_COVARIANCE_SQRT @ COLOUR_COVARIANCE_SQRT.T, CHOLESKY @ CHOLESKY.T, atol=0.011)


@pytest.mark.parametrize(
    ("how", "expected"), [({}, True), ({"decorrelate": False}, False), ({"fourier": False}, False)]
)
def test_noise_has_natural_colours_only_where_they_are_decorrelated(how, expected):
    """Before the first step the image is noise through the basis: its colours correlate as those of natural images."""
    variables = variables_of(Small(), (64, 64, 3))
    how = {"image_shape": (64, 64, 3), "steps": 1, "learning_rate": 1e-9, "bounds": (0.0, 1.0)} | how
    (image,) = maximize(Small(), variables, "conv2", 0, KEY, **how).images
    latent = np.log(image / (1 - image)).reshape(-1, 3).astype(np.float64)
    covariance = CHOLESKY @ CHOLESKY.T
    natural = covariance / np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    found = np.corrcoef(latent.T)
    assert (np.abs(found - natural).max() < 0.1) == expected
    assert (np.abs(found - np.eye(3)).max() < 0.3) != expected


def test_decorrelated_colours_are_lucids():
    """lucid's _linear_decorelate_color, written out, on one step's latent image."""
    latent = np.random.default_rng(0).normal(size=(2, 4, 5, 3)).astype(np.float32)
    frequencies = np.fft.rfft2(latent, axes=(1, 2))
    plain, natural = (Basis((4, 5, 3), True, decorrelated) for decorrelated in (False, True))
    given = np.stack([frequencies.real, frequencies.imag])
    bounds = (np.zeros(3, np.float32), np.ones(3, np.float32))
    before, after = (np.asarray(_to_images(given, basis, bounds)) for basis in (plain, natural))
    pixels = np.log(before / (1 - before)).reshape(-1, 3)
    root = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
    expected = 1 / (1 + np.exp(-pixels @ (root / np.max(np.linalg.norm(root, axis=0))).T))
    np.testing.assert_allclose(after.reshape(-1, 3), expected, atol=1e-4)


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
    "steps is 0": {"steps": 0},
    "conv2 .*unit 8.* 0 to 7": {"unit": 8},
    "output .*unit 5.* 0 to 4": {"unit": 5, "layer": LOGITS},
    "'conv0'.*did you mean conv": {"layer": "conv0"},
    "8x8 .*Small": {"image_shape": (8, 8, 3)},
}


@pytest.mark.parametrize("message", ERRORS)
def test_bad_input_is_one_clear_line(message):
    given = {"layer": "conv2", "unit": 0, "key": KEY} | ERRORS[message]
    with pytest.raises(zoo.ZooError, match=message):
        maximize(Small(), variables_of(Small()), **given)
    with pytest.raises(zoo.ZooError, match=r"Conv .*image_shape"):
        maximize(nn.Conv(3, (3, 3)), {}, LOGITS, 0, KEY)
