"""What somebody's weights file says beside its arrays: it sets what such a file may set, and nothing else."""

import json

import jax
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import zoo
from zoo.models.network import ModelInfo
from zoo.registry import model_info
from zoo.weights import Weights, load, save
from zoo.weights.files import FORMAT, default_preprocessing, variable_shapes
from zoo.weights.network_fields import network_fields

NAMES = tuple("abcdefghij")


@pytest.fixture(scope="module")
def weights():
    variables = zoo.init(zoo.create_model("lenet5"), jax.random.key(0))
    return Weights(
        model="lenet5", variables=variables, preprocessing=default_preprocessing("lenet5"), class_names=NAMES
    )


@pytest.fixture(scope="module")
def whole(weights, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "whole.safetensors"
    save(path, weights)
    return path


@pytest.fixture
def changed(whole, tmp_path):
    """Loads the file with other metadata; texts are JSON already."""
    arrays = load_file(whole)
    with safe_open(whole, "numpy") as file:
        metadata = file.metadata()

    def load_changed(**changes):
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in changes.items()}
        save_file(arrays, tmp_path / "file.safetensors", {**metadata, **texts})
        return load(tmp_path / "file.safetensors")

    return load_changed


def test_a_file_is_read_as_it_was_written(whole, weights, changed):
    assert load(whole).class_names == NAMES
    assert load(whole).preprocessing == weights.preprocessing
    assert changed(fields={"image_shape": [32, 32, 1], "num_classes": 10}).fields["image_shape"] == (32, 32, 1)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"fields": {"dtype": "float16"}}, r"fields\.dtype is not for a file to set"),
        ({"fields": {"act": "relu"}}, r"fields\.act is not for a file to set"),
        ({"fields": {"parent": None}}, r"fields\.parent is not for a file to set"),
        ({"fields": {"num_class": 10}}, r"fields\.num_class is a field that .* know.*num_classes"),
        ({"fields": {"num_classes": 10**12}}, r"fields\.num_classes is 1000000000000: expected"),
        ({"fields": {"num_classes": 1000}}, "output"),
        ({"fields": '{"num_classes": 10, "num_classes": 3}'}, "fields.*num_classes occurs twice"),
        ({"fields": []}, "fields is a list of 0: expected an object"),
        ({"preprocessing": "null"}, "preprocessing is null: expected an object"),
        ({"preprocessing": "[" * 100_000}, "preprocessing.*nested too deeply"),
        ({"class_names": [1] * 10}, r"class_names\[0\] is 1: expected text"),
        ({"class_names": ["a", "b"]}, "2 class names for 10 classes"),
        ({"model": '"lenet6"'}, "file.safetensors: unknown model 'lenet6'.*lenet5"),
        ({"dataset": '"../digits"'}, r"dataset is .\.\./digits.: expected a name"),
        ({"licence": '"mit"'}, "licence is a field that .* know.*; update zoo, or get the file again"),
        ({"dataset": 3}, "dataset is 3: expected .*; get the file again"),
        ({"format": "zoo 2"}, "newer zoo"),
        ({"format": "pt"}, "not a weights file of zoo"),
    ],
)
def test_what_a_file_may_not_set(changed, changes, told):
    with pytest.raises(zoo.ZooError, match=told) as error:
        changed(**changes)
    assert str(error.value).isprintable() and len(str(error.value)) < 400


def test_fields_that_do_not_go_together_are_one_line(tmp_path):
    broken = Weights(
        model="resnet18",
        variables={},
        preprocessing=default_preprocessing("resnet18"),
        fields=network_fields("resnet18", {"depths": [1, 2]}, "file"),
    )
    with pytest.raises(zoo.ZooError, match=r"depths=\(1, 2\) .* one for each stage"):
        variable_shapes(broken)


@pytest.mark.parametrize(
    "change", [{"class_names": (1, 2)}, {"fields": {"act": jax.nn.relu}}, {"dataset": "a/b"}, {"model": "lenet6"}]
)
def test_what_could_not_be_read_again_is_not_written(weights, tmp_path, change):
    with pytest.raises(zoo.ZooError, match=next(iter(change))):
        save(tmp_path / "file.safetensors", Weights(**{**vars(weights), **change}))
    assert not list(tmp_path.iterdir())


def test_the_fields_of_a_function_that_makes_a_network(monkeypatch):
    def build(num_classes=10, width=2, **others):
        raise NotImplementedError

    info = ModelInfo(**{**vars(model_info("lenet5")), "name": "mine", "build": build})
    monkeypatch.setattr("zoo.registry._REGISTRY", {"mine": info})
    assert network_fields("mine", {"num_classes": 3, "width": 4, "image_shape": [8, 8, 3]}, "file")
    with pytest.raises(zoo.ZooError, match=r"fields\.width is a list"):
        network_fields("mine", {"width": [4]}, "file")


def test_the_format_is_the_first_one():
    assert FORMAT == "zoo 1"
