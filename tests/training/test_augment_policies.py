"""RandAugment, AutoAugment, color jitter and lighting: what is drawn, and what it does, against PIL and NumPy."""

import colorsys
from itertools import permutations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image, ImageOps

import zoo
from zoo.training import Recipe
from zoo.training.augment.auto_augment import IMAGENET_POLICY, auto_augment, policy_amounts, random_pairs
from zoo.training.augment.color_jitter import color_jitter, random_changes, turn_hue
from zoo.training.augment.lighting import DIRECTIONS, EIGENVALUES, lighting
from zoo.training.augment.operations import AugmentOperation, apply_operations
from zoo.training.augment.rand_augment import RandAugment, rand_amounts, rand_augment, random_magnitudes
from zoo.training.augment.warp import warp
from zoo.training.config.unused_settings import check_used

IMAGES = np.random.default_rng(0).integers(0, 256, (16, 20, 17, 3), np.uint8)
PIXELS = jnp.asarray(IMAGES, jnp.float32) / 255
KEY, FILL = jax.random.key(3), (0.2, 0.4, 0.6)
COUNT = 40_000


def counts(values, kinds):
    return np.bincount(np.asarray(values), minlength=kinds)


def check_uniform(found, expected):
    """Chi-squared within four deviations of its mean."""
    degrees = len(found) - 1
    assert ((found - expected) ** 2 / expected).sum() < degrees + 4 * np.sqrt(2 * degrees)


def test_rand_augment_draws_operations_and_magnitudes_as_timm():
    operation, magnitude = random_magnitudes(KEY, COUNT, RandAugment(7, deviation=0.5))
    operations = counts(operation, 16)
    # Half of them are left out; the others are 15.
    assert abs(operations[AugmentOperation.IDENTITY] / COUNT - 0.5) < 0.01
    check_uniform(operations[1:], operations[1:].sum() / 15)
    level = np.abs(magnitude)
    assert abs(level.mean() - 7) < 0.02 and abs(level.std() - 0.5) < 0.02
    assert abs((np.asarray(magnitude) > 0).mean() - 0.5) < 0.01
    # What is over 10 is 10.
    _, magnitude = random_magnitudes(KEY, COUNT, RandAugment(10, deviation=0.5))
    assert abs((np.abs(magnitude) == 10).mean() - 0.5) < 0.01


def test_rand_augment_draws_operations_as_torchvision():
    operation, magnitude = random_magnitudes(KEY, COUNT, RandAugment(9, form="torchvision"))
    check_uniform(counts(operation, 14), COUNT / 14)
    assert counts(operation, 16)[14:].sum() == 0
    np.testing.assert_array_equal(np.abs(magnitude), 9)


def test_auto_augment_draws_a_pair_and_each_of_it_with_its_probability():
    operation, magnitude = (np.asarray(part) for part in random_pairs(KEY, COUNT))
    for place in (0, 1):
        expected = np.zeros(16)
        for pair in IMAGENET_POLICY:
            which, probability, _ = pair[place]
            expected[which] += probability * COUNT / 25
            expected[AugmentOperation.IDENTITY] += (1 - probability) * COUNT / 25
        drawn = expected > 0
        check_uniform(counts(operation[place], 16)[drawn], expected[drawn])
        assert not counts(operation[place], 16)[~drawn].any()
    together = {(int(a), int(b)) for a, b in operation.T}
    pairs = {(int(a[0]), int(b[0])) for a, b in IMAGENET_POLICY}
    assert pairs - together == {(AugmentOperation.EQUALIZE, AugmentOperation.EQUALIZE)} - together
    assert abs((magnitude > 0).sum() / (magnitude != 0).sum() - 0.5) < 0.02


# Compiled once for three tests.
apply = jax.jit(apply_operations, static_argnums=3)


def test_rand_augment_applies_what_it_draws_one_after_the_other():
    settings, expected = RandAugment(9, operations=2), PIXELS
    found = jax.jit(rand_augment, static_argnums=(2, 3))(KEY, PIXELS, settings, FILL)
    for key in jax.random.split(KEY, 2):
        operation, magnitude = random_magnitudes(key, len(PIXELS), settings)
        expected = apply(expected, operation, rand_amounts(operation, magnitude, "timm-inc", 20, 17), FILL)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert (np.asarray(found) != np.asarray(PIXELS)).any((1, 2, 3)).sum() > 8


@pytest.mark.slow
def test_auto_augment_applies_what_it_draws():
    found, expected = jax.jit(auto_augment, static_argnums=2)(KEY, PIXELS, FILL), PIXELS
    for operation, magnitude in zip(*random_pairs(KEY, len(PIXELS)), strict=True):
        expected = apply(expected, operation, policy_amounts(operation, magnitude, 20, 17), FILL)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_inverting_and_adding_to_dark_pixels():
    which = jnp.array([AugmentOperation.INVERT, AugmentOperation.SOLARIZE_ADD] * 8)
    found = 255 * apply(PIXELS, which, jnp.array([0.0, 33.0] * 8), FILL)
    np.testing.assert_allclose(found[0], ImageOps.invert(Image.fromarray(IMAGES[0])), atol=1e-3)
    levels = IMAGES[1].astype(int)
    np.testing.assert_allclose(found[1], np.where(levels < 128, levels + 33, levels), atol=1e-3)


@pytest.mark.parametrize("interpolation", ["bilinear", pytest.param("bicubic", marks=pytest.mark.slow)])
def test_images_are_warped_as_by_pil(interpolation):
    matrices = [(1, 0.21, 0, 0, 1, 0), (0.9, -0.3, 2.2, 0.3, 0.9, -1.7), (1, 0, -4.4, 0, 1, 3.3)]
    maps = jnp.array(matrices).reshape(-1, 2, 3)
    found = 255 * warp(PIXELS[:3], maps, FILL, interpolation)
    for image, matrix, result in zip(IMAGES, matrices, found, strict=False):
        mode, fill = Image.Resampling[interpolation.upper()], tuple(round(255 * value) for value in FILL)
        expected = Image.fromarray(image).transform((17, 20), Image.AFFINE, matrix, mode, fillcolor=fill)
        np.testing.assert_allclose(result, np.asarray(expected), atol=1.01)


def test_color_jitter_draws_every_order_and_factors_in_their_range():
    order, amount = (np.asarray(part) for part in random_changes(KEY, COUNT, 0.4, 0.1))
    places = {one: place for place, one in enumerate(permutations(range(4)))}
    check_uniform(counts([places[tuple(one)] for one in order.T.tolist()], 24), COUNT / 24)
    for which, (low, high) in enumerate([(0.6, 1.4)] * 3 + [(-0.1, 0.1)]):
        check_uniform(np.histogram(amount[:, which], 20, (low, high))[0], COUNT / 20)
    assert random_changes(KEY, 500, 3.0, 0.0)[1][:, :3].min() >= 0


def test_hues_are_turned_as_in_hsv():
    turns = np.linspace(-0.5, 0.5, 16).astype(np.float32)
    found = turn_hue(PIXELS[:, :2, :3], jnp.asarray(turns)[:, None, None, None])
    for image, turn, result in zip(np.asarray(PIXELS), turns, found, strict=True):
        for row, column in ((0, 0), (1, 2)):
            hue, saturation, value = colorsys.rgb_to_hsv(*image[row, column])
            expected = colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value)
            np.testing.assert_allclose(result[row, column], expected, atol=1e-5)


def test_color_jitter_changes_each_image_in_its_own_way_and_a_grey_one_stays_grey():
    same = jnp.broadcast_to(PIXELS[:1], PIXELS.shape)
    found = np.asarray(jax.jit(color_jitter, static_argnums=(2, 3))(KEY, same, 0.4, 0.1))
    assert len(np.unique(found.reshape(16, -1), axis=0)) == 16 and found.min() >= 0 and found.max() <= 1
    np.testing.assert_allclose(color_jitter(KEY, PIXELS, 0.0, 0.0), PIXELS, atol=1e-6)
    grey = color_jitter(KEY, PIXELS[..., :1], 0.4, 0.1)
    assert grey.shape == (16, 20, 17, 1) and (grey != PIXELS[..., :1]).any()


def test_lighting_adds_a_color_along_the_main_directions():
    many = jnp.zeros((COUNT, 1, 1, 3))
    shifts = np.asarray(lighting(KEY, many, 0.1))[:, 0, 0]
    directions = np.array(DIRECTIONS)
    expected = directions @ np.diag((0.1 * np.array(EIGENVALUES)) ** 2) @ directions.T
    np.testing.assert_allclose(np.cov(shifts.T), expected, atol=0.03 * expected.max())
    np.testing.assert_allclose(directions.T @ directions, np.eye(3), atol=1e-3)
    # The same color for all pixels of an image.
    added = np.asarray(lighting(KEY, PIXELS, 0.1) - PIXELS)
    np.testing.assert_allclose(added, np.broadcast_to(added[:, :1, :1], added.shape), atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, ["randaugment_ops", "randaugment_std", "randaugment_form", "augment_interpolation"]),
        ({}, ["erase_area", "erase_noise", "mix_per_image"]),
        ({"randaugment": 9, "randaugment_form": "torchvision"}, ["randaugment_std"]),
    ],
)
def test_settings_without_effect_are_named(settings, names):
    for name in names:
        with pytest.raises(zoo.ZooError, match=f"{name} is given and has no effect"):
            check_used(Recipe(**settings), [name])
    used = Recipe(randaugment=9, erase=0.1, mixup=0.2)
    check_used(used, ["randaugment_ops", "randaugment_std", "augment_interpolation", "erase_area", "mix_per_image"])


def test_colors_of_grey_images_cannot_be_changed():
    for name in ("lighting", "hue_jitter"):
        check_used(Recipe(**{name: 0.1}), [name])
        with pytest.raises(zoo.ZooError, match=f"{name} .* grey"):
            check_used(Recipe(**{name: 0.1}), [name], grey=True)


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ({"randaugment": 12.0}, "randaugment is 12: .* 0 to 10; with --randaugment-form torchvision"),
        ({"erase": 0.1, "erase_area": 0.01}, "erase_area is 0.01: it must be 0, or at least 0.02"),
        ({"repeats": 65}, "repeats is 65: a batch has only 64 images"),
        ({"hue_jitter": 0.6}, "hue_jitter is 0.6"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, parts):
    with pytest.raises(zoo.ZooError, match=parts):
        Recipe(**settings)
