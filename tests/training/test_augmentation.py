"""Random changes of images, against what they must look like."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.data.crops import central_box
from zoo.training import Recipe
from zoo.training.augment import augmentation, random_crop
from zoo.training.augment import random_erase as erasing
from zoo.training.augment.augmentation import augment
from zoo.training.augment.random_crop import random_resized_crop

# One program each: their operations one by one take longer to compile.
random_shift = jax.jit(augmentation.random_shift, static_argnums=(2, 3))
random_flip = jax.jit(augmentation.random_flip)
random_erase = jax.jit(erasing.random_erase, static_argnums=(2, 3), static_argnames=("area", "noise_std"))
random_boxes = jax.jit(random_crop.random_boxes, static_argnums=(1, 2, 3))
resize_boxes = jax.jit(random_crop.resize_boxes)

IMAGES = np.random.default_rng(0).uniform(0.5, 1, (64, 12, 10, 3)).astype(np.float32)
KEY = jax.random.key(7)
# None of the images' values.
FILL = (0.125, 0.25, 0.375)
STD = (0.2, 0.25, 0.3)
EVERYTHING = Recipe(
    **{"crop": 0.5, "shift": 2, "flip": True, "auto_augment": True, "randaugment": 9, "randaugment_std": 0.5},
    **{"trivial_augment": True, "color_jitter": 0.4, "hue_jitter": 0.1, "lighting": 0.1},
    **{"erase": 0.5, "erase_area": 0.33, "erase_noise": True},
)


def shifted_images(image, most):
    """Every image that `random_shift` may give, with its offset, computed with NumPy."""
    height, width, _ = image.shape
    padded = np.tile(np.float32(FILL), (height + 2 * most, width + 2 * most, 1))
    padded[most:-most, most:-most] = image
    for top in range(2 * most + 1):
        for left in range(2 * most + 1):
            yield (top, left), padded[top : top + height, left : left + width]


def test_shifting_takes_every_place_of_the_padded_image():
    seen = set()
    for image, moved in zip(IMAGES, np.asarray(random_shift(KEY, IMAGES, 1, FILL)), strict=True):
        found = [offset for offset, expected in shifted_images(image, 1) if (expected == moved).all()]
        assert len(found) == 1
        seen.add(found[0])
    assert len(seen) == 9


def test_half_of_the_images_are_flipped():
    images = np.asarray(random_flip(KEY, IMAGES))
    flipped = (images == IMAGES[:, :, ::-1]).all((1, 2, 3))
    untouched = (images == IMAGES).all((1, 2, 3))
    assert (flipped ^ untouched).all() and 16 < flipped.sum() < 48


def test_erasing_leaves_a_rectangle_of_the_mean():
    images = np.asarray(random_erase(KEY, IMAGES, 0.5, FILL))
    hit = 0
    for before, after in zip(IMAGES, images, strict=True):
        gone = (after == FILL).all(-1)
        assert (after[~gone] == before[~gone]).all()
        if gone.any():
            rows, columns = np.flatnonzero(gone.any(1)), np.flatnonzero(gone.any(0))
            assert gone.sum() == len(rows) * len(columns)
            assert np.ptp(rows) + 1 == len(rows) <= 6 and np.ptp(columns) + 1 == len(columns) <= 5
            hit += 1
    assert 16 < hit < 48


def test_nothing_is_changed_by_default_and_a_key_is_a_result():
    assert augment(KEY, IMAGES, Recipe(), FILL, STD) is IMAGES
    run = jax.jit(augment, static_argnums=(2, 3, 4))
    once, again, other = (run(key, IMAGES, EVERYTHING, FILL, STD) for key in (KEY, KEY, jax.random.key(8)))
    np.testing.assert_array_equal(once, again)
    assert (np.asarray(once) != np.asarray(other)).any() and once.shape == IMAGES.shape and once.dtype == IMAGES.dtype


@pytest.mark.parametrize("box", [(0, 0, 38, 45), (3, 5, 20, 30), (0.3, 10.7, 37.1, 12.5), (30.2, 1.1, 7.8, 43.9)])
def test_a_crop_is_resized_as_pil_does(box):
    generator = np.random.default_rng(0)
    image = generator.uniform(0, 1, (38, 45)).astype(np.float32)
    top, left, height, width = box
    edges = (left, top, left + width, top + height)
    expected = np.asarray(Image.fromarray(image).resize((45, 38), Image.Resampling.BILINEAR, box=edges))
    result = resize_boxes(image[None, :, :, None], np.array([box], np.float32))
    np.testing.assert_allclose(np.asarray(result)[0, :, :, 0], expected, atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (60, 90)])
def test_crops_are_drawn_as_torchvision_draws_them(height, width):
    count, smallest = 20_000, 0.2
    boxes = np.asarray(random_boxes(KEY, count, height, width, smallest), np.float64)
    (tops, lefts), (heights, widths) = boxes[:, :2].T, boxes[:, 2:].T
    assert (boxes >= 0).all()
    assert (tops + heights <= height + 1e-3).all() and (lefts + widths <= width + 1e-3).all()
    ratios, areas = widths / heights, heights * widths / (height * width)
    assert 0.749 < ratios.min() < 0.76 and 1.32 < ratios.max() < 1.334
    assert 0.199 < areas.min() < 0.21 and 0.85 < areas.max() <= 1.0001

    # RandomResizedCrop.get_params, without its rounding to pixels: ten tries, then the largest.
    generator, expected = np.random.default_rng(0), []
    for _ in range(count):
        size = min(height, width * 4 / 3), min(width, height * 4 / 3)
        for _ in range(10):
            area, ratio = (
                generator.uniform(smallest, 1) * height * width,
                np.exp(generator.uniform(-1, 1) * np.log(4 / 3)),
            )
            tried = np.sqrt(area / ratio), np.sqrt(area * ratio)
            if tried[0] <= height and tried[1] <= width:
                size = tried
                break
        expected.append(size)
    np.testing.assert_allclose(boxes[:, 2:].mean(0), np.mean(expected, 0), rtol=0.01)
    np.testing.assert_allclose(boxes[:, 2:].std(0), np.std(expected, 0), rtol=0.03)
    free = np.array([height, width]) - boxes[:, 2:]
    np.testing.assert_allclose((boxes[:, :2] / np.maximum(free, 1e-6))[free.min(1) > 1].mean(0), 0.5, atol=0.02)


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        # What torchvision's RandomResizedCrop.get_params returned for such images: top, left, height, width.
        (20, 100, (0, 36, 20, 27)),
        (100, 20, (36, 0, 27, 20)),
        (7, 64, (0, 27, 7, 9)),
        (64, 7, (27, 0, 9, 7)),
        (1, 31, (0, 15, 1, 1)),
    ],
)
def test_a_crop_that_does_not_fit_is_the_central_one(height, width, expected):
    # The whole area has no box of an allowed aspect ratio.
    boxes = np.asarray(random_boxes(KEY, 50, height, width, 1.0))
    np.testing.assert_array_equal(boxes, [expected] * 50)
    fallen_back = (np.asarray(random_boxes(KEY, 500, height, width, 0.3)) == expected).all(1)
    assert fallen_back.mean() > 0.5


@pytest.mark.parametrize(("height", "width"), [(60, 90), (50, 70), (33, 33)])
def test_the_central_crop_is_that_of_torchvisions_program(height, width):
    # Its last lines, without change.
    in_ratio, ratio = width / height, (3 / 4, 4 / 3)
    if in_ratio < min(ratio):
        w = width
        h = round(w / min(ratio))
    elif in_ratio > max(ratio):
        h = height
        w = round(h * max(ratio))
    else:
        w, h = width, height
    assert central_box(height, width) == ((height - h) // 2, (width - w) // 2, h, w)


def test_a_crop_of_everything_is_the_image():
    np.testing.assert_array_equal(resize_boxes(IMAGES, np.array([[0, 0, 12, 10]] * 64, np.float32)), IMAGES)
    squares = IMAGES[:, :10]
    whole = np.isclose(jax.jit(random_resized_crop, static_argnums=2)(KEY, squares, 1.0), squares, atol=1e-4).all(
        (1, 2, 3)
    )
    assert whole.all()


def test_images_stay_float32_where_jax_has_float64():
    with jax.enable_x64(True):
        shape = jax.eval_shape(lambda images: augment(jax.random.key(0), images, EVERYTHING, FILL, STD), IMAGES)
    assert shape == jax.ShapeDtypeStruct(IMAGES.shape, jnp.float32)


@pytest.mark.parametrize("name", ["crop", "erase"])
def test_a_share_is_at_most_one(name):
    with pytest.raises(zoo.ZooError, match=f"{name} is 2.0: it must be a float32 number from 0 to 1"):
        Recipe(**{name: 2.0})


def test_erasing_by_area_and_with_noise():
    images = np.full((400, 40, 60, 3), 0.5, np.float32)
    erased = np.asarray(random_erase(KEY, images, 0.5, FILL, area=0.33, noise_std=STD))
    gone = (erased != 0.5).all(-1)
    hit = gone.any((1, 2))
    assert 160 < hit.sum() < 240
    shares, pixels = gone[hit].mean((1, 2)), erased[gone]
    assert 0.015 < shares.min() < 0.03 and 0.28 < shares.max() < 0.34
    heights, widths = gone[hit].any(2).sum(1), gone[hit].any(1).sum(1)
    np.testing.assert_array_equal(heights * widths, gone[hit].sum((1, 2)))
    assert 0.25 < (heights / widths).min() < 0.5 and 2.5 < (heights / widths).max() < 3.6
    np.testing.assert_allclose(pixels.mean(0), FILL, atol=0.01)
    np.testing.assert_allclose(pixels.std(0), STD, atol=0.01)
