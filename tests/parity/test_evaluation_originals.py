"""Classes of ImageNet's variants and ReaL labels are timm's."""

import importlib.resources
import json

import numpy as np
import pytest

pytest.importorskip("torch")

from zoo.weights.import_torchvision import import_torchvision

import_torchvision()

import torch  # noqa: E402
from timm.data.real_labels import RealLabelsImagenet  # noqa: E402

from zoo.inference.class_outputs import imagenet_ids  # noqa: E402
from zoo.inference.real_labels import read_real_labels, real_accuracy, validation_numbers  # noqa: E402

pytestmark = pytest.mark.torch

INFO = importlib.resources.files("timm.data") / "_info"


def lines(name):
    return (INFO / name).read_text().split()


def test_the_identifiers_in_their_order():
    assert imagenet_ids() == tuple(lines("imagenet_synsets.txt"))


@pytest.mark.parametrize("variant", ["imagenet_a", "imagenet_r"])
def test_the_outputs_of_variants(variant):
    outputs = [imagenet_ids().index(name) for name in lines(f"{variant}_synsets.txt")]
    assert outputs == [int(index) for index in lines(f"{variant}_indices.txt")] and len(outputs) == 200


class Validation:
    """The names of all validation images, shuffled."""

    order = np.random.default_rng(0).permutation(50_000)
    files = tuple(f"n0/ILSVRC2012_val_{number + 1:08}.JPEG" for number in order)


def test_real_accuracy():
    with importlib.resources.as_file(INFO / "imagenet_real_labels.json") as path:
        labels = read_real_labels(path)
        theirs = RealLabelsImagenet(list(Validation.files), str(path), topk=(1,))
        assert json.loads(path.read_text()) == [list(row) for row in labels]
    predicted = np.random.default_rng(1).integers(0, 1000, 50_000)
    first = np.array([row[0] if row else -1 for row in labels])[Validation.order]
    predicted[::2] = first[::2].clip(0)
    theirs.add_result(torch.nn.functional.one_hot(torch.tensor(predicted), 1000).float())
    found = real_accuracy(predicted, validation_numbers(Validation(), labels), labels)
    assert found.images == sum(bool(row) for row in labels) == 46_837
    assert 100 * found.accuracy == pytest.approx(theirs.get_accuracy(k=1))
