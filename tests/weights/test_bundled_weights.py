"""The trained networks in checkpoints/ know a pair of trousers, or digits."""

from pathlib import Path

import numpy as np
import pytest

from zoo.data import open_dataset
from zoo.inference.prediction import predict
from zoo.weights import load

FOLDER = Path(__file__).parents[2] / "checkpoints"
CLOTHES = sorted(FOLDER.glob("*-fashion-mnist.safetensors"))
NAMES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")


def trousers():
    """Two bright legs, 28x28."""
    image = np.zeros((28, 28, 1), np.uint8)
    image[1:27, 8:13] = image[1:27, 15:20] = image[1:6, 8:20] = 200
    return image


@pytest.mark.parametrize("file", CLOTHES, ids=lambda file: file.stem)
def test_two_legs_are_trousers(file):
    weights = load(file)
    assert weights.class_names == NAMES and weights.dataset == "fashion-mnist"
    ((found, *_),) = predict(weights, [trousers()])
    assert found.class_name == "trouser"


def test_they_are_there():
    clothes = [f"{name}-fashion-mnist" for name in ("googlenet_bn", "lenet5", "resnet20_cifar")]
    assert sorted(file.stem for file in FOLDER.glob("*.safetensors")) == sorted([*clothes, "lenet5-digits"])


def test_digits_of_the_test_split_are_read():
    weights, test = load(FOLDER / "lenet5-digits.safetensors"), open_dataset("digits").test
    examples = [test[index] for index in range(len(test))]
    found = predict(weights, [example["image"] for example in examples])
    right = [int(best.class_name) == example["label"] for (best, *_), example in zip(found, examples, strict=True)]
    assert np.mean(right) == pytest.approx(0.9887, abs=1 / len(test))  # docs/results.md
