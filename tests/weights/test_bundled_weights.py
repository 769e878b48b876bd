"""The trained networks in checkpoints/ know a pair of trousers."""

from pathlib import Path

import numpy as np
import pytest

from zoo.inference.prediction import predict
from zoo.weights import load

FILES = sorted((Path(__file__).parents[2] / "checkpoints").glob("*.safetensors"))
NAMES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")


def trousers():
    """Two bright legs, 28x28."""
    image = np.zeros((28, 28, 1), np.uint8)
    image[1:27, 8:13] = image[1:27, 15:20] = image[1:6, 8:20] = 200
    return image


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_two_legs_are_trousers(file):
    weights = load(file)
    assert weights.class_names == NAMES and weights.dataset == "fashion-mnist"
    ((found, *_),) = predict(weights, [trousers()])
    assert found.class_name == "trouser"


def test_they_are_there():
    networks = ["googlenet_bn", "lenet5", "resnet20_cifar"]
    assert [file.stem for file in FILES] == [f"{name}-fashion-mnist" for name in networks]
