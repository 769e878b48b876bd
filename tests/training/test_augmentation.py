"""Random changes of images, against what they must look like."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import zoo
from zoo.training import Recipe
from zoo.training.augmentation import Augmentation, augmented, erased, flipped, shifted

IMAGES = jnp.asarray(np.random.default_rng(0).uniform(1, 2, (64, 12, 10, 3)), jnp.float32)
KEY = jax.random.key(7)


def places(image, most):
    """Every image that `shifted` may give, with the place, as NumPy sees it."""
    height, width, _ = image.shape
    padded = np.pad(image, ((most, most), (most, most), (0, 0)))
    for top in range(2 * most + 1):
        for left in range(2 * most + 1):
            yield (top, left), padded[top : top + height, left : left + width]


def test_shifting_takes_every_place_of_the_padded_image():
    seen = set()
    for image, moved in zip(np.asarray(IMAGES), np.asarray(shifted(KEY, IMAGES, 1)), strict=True):
        found = [place for place, expected in places(image, 1) if (expected == moved).all()]
        assert len(found) == 1
        seen.add(found[0])
    assert len(seen) == 9


def test_half_of_the_images_are_mirrored():
    images = np.asarray(flipped(KEY, IMAGES))
    mirrored = (images == np.asarray(IMAGES)[:, :, ::-1]).all((1, 2, 3))
    untouched = (images == np.asarray(IMAGES)).all((1, 2, 3))
    assert (mirrored ^ untouched).all() and 16 < mirrored.sum() < 48


def test_erasing_leaves_a_rectangle_of_zeros():
    images = np.asarray(erased(KEY, IMAGES, 0.5))
    hit = 0
    for before, after in zip(np.asarray(IMAGES), images, strict=True):
        gone = (after == 0).all(-1)
        assert (after[~gone] == before[~gone]).all()
        if gone.any():
            rows, columns = np.flatnonzero(gone.any(1)), np.flatnonzero(gone.any(0))
            assert gone.sum() == len(rows) * len(columns)
            assert np.ptp(rows) + 1 == len(rows) <= 6 and np.ptp(columns) + 1 == len(columns) <= 5
            hit += 1
    assert 16 < hit < 48


def test_nothing_is_changed_by_default_and_a_key_is_a_result():
    assert augmented(KEY, IMAGES, Augmentation()) is IMAGES
    all_of_it = Augmentation(shift=2, flip=True, erase=0.5)
    once, again, other = (augmented(key, IMAGES, all_of_it) for key in (KEY, KEY, jax.random.key(8)))
    np.testing.assert_array_equal(once, again)
    assert (once != other).any() and once.shape == IMAGES.shape and once.dtype == IMAGES.dtype


def test_a_share_is_at_most_one():
    with pytest.raises(zoo.ZooError, match="erase is 2"):
        Recipe(erase=2.0)
