"""Arguments that `report` refuses, each with an error of one line."""

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

PREPROCESSING = Preprocessing(image_shape=(32, 32, 1), mean=(0.4,), std=(0.2,))
IMAGE_SET = ImageSet(ArraySource(np.zeros((2, 32, 32, 1), np.uint8), np.zeros(2, int)), "two black images")


@pytest.fixture(scope="module")
def weights():
    return Weights(
        model="lenet5",
        variables=drawn(zoo.create_model("lenet5"), PREPROCESSING.image_shape),
        preprocessing=PREPROCESSING,
    )


def refused(message):
    return pytest.raises(ZooError, match=re.escape(message))


@pytest.mark.parametrize("given", [{"model": "lenet5"}, {"image_shape": (32, 32, 1)}, {"num_classes": 3}])
def test_weights_include_their_network(weights, given):
    with refused("leave out model, image_shape and num_classes"):
        report(weights=weights, **given)


def test_an_image_set_needs_weights():
    with refused("image_set needs weights"):
        report("lenet5", image_set=IMAGE_SET)


def test_a_module_has_its_number_of_classes():
    with refused("num_classes"):
        report(zoo.create_model("lenet5"), num_classes=3)


@pytest.mark.parametrize("shape, dtype", [((4, 5, 3), "float64"), ((4, 5, 2), "uint8"), ((0, 5, 3), "uint8")])
def test_an_image_is_uint8(shape, dtype):
    with refused(f"{dtype} {shape}: give uint8 [height, width, 1 or 3]"):
        report("lenet5", image=np.zeros(shape, dtype))


def test_a_missing_run_is_refused_first(weights, tmp_path):
    with refused(f"{tmp_path / 'none'}: it has no config.json"):
        report(weights=weights, image_set=IMAGE_SET, run=tmp_path / "none")


def test_an_empty_image_set_is_refused(weights):
    with refused("the image set is empty"):
        report(weights=weights, image_set=ImageSet([], "none"))


# Of others' coroutines that are collected meanwhile nothing is said.
@pytest.mark.filterwarnings("error", "ignore::pytest.PytestUnraisableExceptionWarning", "ignore:coroutine")
def test_weights_that_are_not_finite_are_refused(weights):
    damaged = replace(weights, variables=jax.tree.map(lambda leaf: np.full_like(leaf, np.nan), weights.variables))
    with refused("c1/conv of LeNet5"):
        report(weights=damaged)
