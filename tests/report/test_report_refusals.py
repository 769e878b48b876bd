"""What `report` cannot make a page of: one line each."""

import re
from dataclasses import replace

import jax
import numpy as np
import pytest
from quick import drawn

import zoo
from zoo.data import Preprocessing
from zoo.data.dataset import ArraySource
from zoo.errors import ZooError
from zoo.report import report
from zoo.visualize.network_and_images import ImageSet
from zoo.weights import Weights

SEEN = Preprocessing(image_shape=(32, 32, 1), mean=(0.4,), std=(0.2,))
PICTURES = ImageSet(ArraySource(np.zeros((2, 32, 32, 1), np.uint8), np.zeros(2, int)), "two black images")


@pytest.fixture(scope="module")
def weights():
    return Weights(model="lenet5", variables=drawn(zoo.create_model("lenet5"), SEEN.image_shape), preprocessing=SEEN)


def refused(message):
    return pytest.raises(ZooError, match=re.escape(message))


@pytest.mark.parametrize("given", [{"model": "lenet5"}, {"image_shape": (32, 32, 1)}, {"num_classes": 3}])
def test_weights_know_their_network(weights, given):
    with refused("weights know their network: leave out model, image_shape and num_classes"):
        report(weights=weights, **given)


def test_pictures_are_shown_with_weights():
    with refused("pictures are what weights are shown on: give weights too, or a single image as image"):
        report("lenet5", pictures=PICTURES)


def test_a_module_has_its_number_of_classes():
    with refused("num_classes is for a name of the registry: a module has its own"):
        report(zoo.create_model("lenet5"), num_classes=3)


@pytest.mark.parametrize("shape, dtype", [((4, 5, 3), "float64"), ((4, 5, 2), "uint8"), ((0, 5, 3), "uint8")])
def test_an_image_is_bytes(shape, dtype):
    with refused(f"an image is {dtype} {shape}: it is uint8 [height, width, 1 or 3]"):
        report("lenet5", image=np.zeros(shape, dtype))


def test_a_run_that_there_is_not_is_told_first(weights, tmp_path):
    with refused(f"no run of train.py in {tmp_path / 'none'}: it has no config.json"):
        report(weights=weights, pictures=PICTURES, run=tmp_path / "none")


def test_no_pictures_are_no_pictures(weights):
    with refused("there are no images in the pictures: give one at least, or no pictures"):
        report(weights=weights, pictures=ImageSet([], "none"))


@pytest.mark.filterwarnings("error")
def test_damaged_weights_have_no_filters_to_show(weights):
    damaged = replace(weights, variables=jax.tree.map(lambda leaf: np.full_like(leaf, np.nan), weights.variables))
    with refused("c1/conv of LeNet5 gives numbers that are not finite: its weights are damaged"):
        report(weights=damaged)
