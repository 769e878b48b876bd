"""Preprocessing for evaluation differs from timm's and torchvision's by at most one of 255 grey levels."""

import functools
import math

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")

from zoo.weights.import_torchvision import import_torchvision

import_torchvision()  # first, as timm imports torchvision too
pytest.importorskip("timm")

from timm.data import create_transform  # noqa: E402
from torchvision.transforms._presets import ImageClassification  # noqa: E402
from torchvision.transforms.functional import InterpolationMode  # noqa: E402

from zoo.data import Preprocessing  # noqa: E402
from zoo.weights.timm_config import CROP_MODES  # noqa: E402

pytestmark = pytest.mark.torch

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# Portrait, landscape, small, square, the network's image size, odd sizes, an extreme aspect ratio.
SIZES = ((301, 201), (199, 333), (50, 61), (97, 97), (224, 224), (640, 427), (513, 127))


@functools.cache
def photograph(height, width):
    """[height, width, 3] uint8: smooth colours with fine noise."""
    generator = np.random.default_rng(height * width)
    blurred = Image.fromarray(generator.integers(0, 256, (height // 9 + 2, width // 9 + 2, 3), np.uint8))
    soft = np.asarray(blurred.resize((width, height), Image.Resampling.BICUBIC)).astype(int)
    return np.clip(soft + generator.integers(-20, 21, (height, width, 3)), 0, 255).astype(np.uint8)


def largest_difference(preprocessing, transform):
    """The largest difference in grey levels, over photographs of all SIZES."""

    def difference(image):
        theirs = transform(Image.fromarray(image)).numpy().transpose(1, 2, 0)
        ours = np.asarray(preprocessing.normalized(preprocessing.fitted(image)))
        assert ours.shape == theirs.shape
        return np.abs((ours - theirs) * np.array(STD) * 255).max()

    return max(difference(photograph(*size)) for size in SIZES)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("crop", [0.875, 0.9, 0.95, 1.0])
@pytest.mark.parametrize("size", [(224, 224), (299, 299), (33, 33), (160, 128)], ids=str)
@pytest.mark.parametrize("mode", CROP_MODES)
def test_timm(mode, size, crop, interpolation):
    settings = {"mean": MEAN, "std": STD, "interpolation": interpolation}
    preprocessing = Preprocessing(image_shape=(*size, 3), fit=CROP_MODES[mode], crop=crop, **settings)
    transform = create_transform((3, *size), is_training=False, crop_pct=crop, crop_mode=mode, **settings)
    assert largest_difference(preprocessing, transform) <= 1


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize(("resized", "size"), [(256, 224), (232, 224), (342, 299), (489, 480)])
def test_torchvision(resized, size, interpolation):
    crop = size / resized
    preprocessing = Preprocessing(
        image_shape=(size, size, 3), mean=MEAN, std=STD, crop=crop, interpolation=interpolation
    )
    transform = ImageClassification(
        crop_size=size, resize_size=resized, mean=MEAN, std=STD, interpolation=InterpolationMode(interpolation)
    )
    assert math.isclose(size / crop, resized)
    assert largest_difference(preprocessing, transform) <= 1
