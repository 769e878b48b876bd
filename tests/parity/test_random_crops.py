"""Random crops equal those of torchvision with PIL, given the same boxes; to one grey level with tensors, bilinear."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy.stats import chi2_contingency

torch = pytest.importorskip("torch")

from zoo.data.cropping import decode_crop  # noqa: E402
from zoo.data.crops import RandomCrops  # noqa: E402
from zoo.weights.import_torchvision import import_torchvision  # noqa: E402

import_torchvision()

from torchvision.transforms import InterpolationMode, v2  # noqa: E402
from torchvision.transforms.v2 import functional  # noqa: E402

pytestmark = pytest.mark.torch

COARSE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (25, 33, 3), np.uint8))
PHOTOGRAPH = COARSE.resize((500, 375), Image.Resampling.BICUBIC)
FILE = io.BytesIO()
PHOTOGRAPH.save(FILE, "JPEG")
DECODED = Image.open(FILE)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("kind", ["PIL", "tensor"])
def test_a_resized_crop(interpolation, kind):
    crops = RandomCrops(size=(224, 224), seed=0, smallest=0.08, flip=True, interpolation=interpolation)
    image = DECODED if kind == "PIL" else functional.pil_to_tensor(DECODED)
    for place in range(20):
        crop = crops.at(place)
        top, left, height, width = crop.box(375, 500)
        theirs = functional.resized_crop(
            image, top, left, height, width, [224, 224], InterpolationMode(interpolation), antialias=True
        )
        theirs = functional.horizontal_flip(theirs) if crop.flip else theirs
        theirs = theirs if kind == "PIL" else theirs.permute(1, 2, 0)
        difference = abs(decode_crop(FILE.getvalue(), crop) - np.asarray(theirs, int)).max()
        # With tensors torchvision's bicubic itself is up to two levels from its own with PIL.
        assert difference <= {"PIL": 0, "tensor": 2 if interpolation == "bicubic" else 1}[kind]


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_a_crop_of_a_scaled_image(interpolation):
    crops = RandomCrops(size=(224, 224), seed=0, sides=(256, 360), interpolation=interpolation)
    for place in range(20):
        crop = crops.at(place)
        box = crop.box(375, 500)
        side = round(224 * 375 / box.height)
        scaled = functional.resize(DECODED, [side], InterpolationMode(interpolation))
        top, left = round(box.top * scaled.height / 375), round(box.left * scaled.width / 500)
        theirs = functional.crop(scaled, top, left, 224, 224)
        difference = abs(decode_crop(FILE.getvalue(), crop) - np.asarray(theirs, int))
        # PIL has the box of a part in float32.
        assert difference.max() <= 2 and (difference > 1).mean() < 1e-4


def test_boxes_are_distributed_as_torchvisions():
    crops, transform = RandomCrops(size=(224, 224), seed=0, smallest=0.08), v2.RandomResizedCrop(224, antialias=True)
    ours = np.array([crops.at(place).box(375, 500) for place in range(5000)])
    drawn = [transform.make_params([DECODED]) for _ in range(5000)]
    theirs = np.array([[one[name] for name in ("top", "left", "height", "width")] for one in drawn])
    for one, other in zip(ours.T, theirs.T, strict=True):
        edges = np.unique(np.quantile(other, np.linspace(0, 1, 17)))[1:-1]
        table = [np.bincount(np.digitize(values, edges), minlength=len(edges) + 1) for values in (one, other)]
        assert chi2_contingency(table).pvalue > 1e-3
