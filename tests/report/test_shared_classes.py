"""When the labels of images are the network's classes, and the names of the classes."""

import argparse

import numpy as np
import pytest
from quick import drawn

import zoo
from zoo.commands.arguments.image_set import chosen_images
from zoo.data import Preprocessing
from zoo.data.dataset import ArraySource
from zoo.report.learned.shared_classes import shared_classes
from zoo.visualize.network_and_images import ImageSet, TrainedNetwork
from zoo.weights import Weights

PREPROCESSING = Preprocessing(image_shape=(32, 32, 1), mean=(0.4,), std=(0.2,))
NUMBERS = tuple(map(str, range(10)))
CLOTHES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
OTHERS = tuple("abcdefghij")
SOURCE = ArraySource(np.zeros((10, 32, 32, 1), np.uint8), np.arange(10))


@pytest.fixture(scope="module")
def variables():
    return drawn(zoo.create_model("lenet5"), PREPROCESSING.image_shape)


def trained_network(variables, names, dataset):
    weights = Weights(
        model="lenet5", variables=variables, preprocessing=PREPROCESSING, class_names=names, dataset=dataset
    )
    return TrainedNetwork(weights, "lenet5")


@pytest.mark.parametrize(
    "trained, shown, shared",
    [
        ((CLOTHES, "fashion-mnist"), (NUMBERS, "fashion-mnist"), CLOTHES),
        ((CLOTHES, "fashion_mnist"), (NUMBERS, "fashion-mnist"), CLOTHES),
        ((CLOTHES, "fashion-mnist"), (NUMBERS, "digits"), None),
        ((CLOTHES, ""), (NUMBERS, "digits"), None),
        ((CLOTHES, ""), (NUMBERS, "clothes"), CLOTHES),
        ((CLOTHES, "fashion-mnist"), (OTHERS, "letters"), None),
        ((CLOTHES, "fashion-mnist"), (CLOTHES, "photographs"), CLOTHES),
        ((NUMBERS, "digits"), (NUMBERS, "digits"), NUMBERS),
        ((NUMBERS, "mnist"), (NUMBERS, "digits"), NUMBERS),
        ((NUMBERS, "digits"), (NUMBERS, "fashion-mnist"), None),
        ((NUMBERS, "digits"), (CLOTHES, "fashion-mnist"), None),
        (((), "fashion-mnist"), (NUMBERS, "digits"), None),
        (((), ""), (CLOTHES, "fashion-mnist"), CLOTHES),
    ],
)
def test_labels_of_another_data_set_are_not_shared_classes(variables, trained, shown, shared):
    names, dataset = shown
    image_set = ImageSet(SOURCE, "ten images", class_names=names, dataset=dataset)
    assert shared_classes(trained_network(variables, *trained), image_set) == shared


@pytest.mark.parametrize("dataset", ["fashion-mnist", ""])
def test_digits_keep_their_names(variables, dataset, tmp_path):
    asked = argparse.Namespace(images=None, dataset="digits", data_dir=tmp_path, limit=None, skip_unreadable=0)
    image_set = chosen_images(asked, trained_network(variables, CLOTHES, dataset), None)
    assert (image_set.class_names, image_set.dataset) == (NUMBERS, "digits")


@pytest.mark.parametrize("trained_on, names", [("fashion-mnist", CLOTHES), ("", CLOTHES), ("letters", NUMBERS)])
def test_numbers_of_idx_files_take_the_names_of_weights_trained_on_them(variables, trained_on, names, tmp_path):
    folder = tmp_path / "fashion-mnist"
    folder.mkdir()
    for split in ("train", "t10k"):
        (folder / f"{split}-images-idx3-ubyte").write_bytes(idx(SOURCE.images[..., 0]))
        (folder / f"{split}-labels-idx1-ubyte").write_bytes(idx(SOURCE.labels.astype(np.uint8)))
    asked = argparse.Namespace(images=None, dataset=str(folder), data_dir=None, limit=None, skip_unreadable=0)
    image_set = chosen_images(asked, trained_network(variables, CLOTHES, trained_on), None)
    assert image_set.class_names == names


def idx(array):
    return bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">i4").tobytes() + array.tobytes()
