"""The command `recipes`."""

import json

import pytest
from command_line import error_of
from PIL import Image

from zoo.__main__ import main
from zoo.training.config.recipes.imagenet import IMAGENET
from zoo.training.config.recipes.named import NAMED


def printed(capsys, *arguments):
    assert main(["recipes", *arguments]) == 0
    return capsys.readouterr().out


def objects(capsys, *arguments):
    return json.loads(printed(capsys, *arguments, "--json"))


def test_the_recipe_of_a_network_on_a_data_set(capsys):
    text = printed(capsys, "resnet50", "--dataset", "imagenet2012")
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[0] == "resnet50 on ImageNet" and "arXiv:1706.02677" in lines[1]
    assert {"decay at 30,60,80 none", "rate batch 256 0", "optimizer sgd adamw"} <= set(lines)
    assert "0.025 for 64" in lines[-1] and "1.6 for 4096" in lines[-1] and "in proportion" in lines[-1]
    (found,) = objects(capsys, "--model", "resnet50", "--dataset", "imagenet2012")
    assert found["learning_rate_by_images"] == {"64": 0.025, "256": 0.1, "1024": 0.4, "4096": 1.6}
    assert found["changed"]["decay_at"] == found["recipe"]["decay_at"] == "30,60,80"
    assert "dropout" not in found["changed"] and found["recipe"]["dropout"] is None


def test_a_network_has_the_recipes_of_each_kind_of_data(capsys):
    assert [one["data"] for one in objects(capsys, "googlenet")] == ["digits", "Fashion-MNIST", "ImageNet", "any data"]
    assert [one["data"] for one in objects(capsys, "vgg16", "--dataset", "beans")] == ["any data"]


def test_all_recipes_and_those_with_a_name(capsys):
    found = objects(capsys)
    assert len([one for one in found if one["data"] == "ImageNet"]) == len(IMAGENET)
    assert [one["data"] for one in found if one["networks"] == "any"] == [f"--recipe {name}" for name in NAMED]
    assert len(printed(capsys).splitlines()) == len(found) + 2
    (a3,) = objects(capsys, "--recipe", "timm_a3")
    assert a3["changed"]["optimizer"] == "lamb"
    assert a3["learning_rate_by_images"]["2048"] == 0.008


@pytest.mark.parametrize(
    ("name", "kind"),
    [("imagenet2012:5.1.0", "ImageNet"), ("cifar10:3.0.2", "CIFAR"), ("hf://datasets/ILSVRC/imagenet-1k", "ImageNet")],
)
def test_names_of_data_sets(capsys, name, kind):
    assert [one["data"] for one in objects(capsys, "resnet18", "--dataset", name)] == [kind]


def test_the_data_at_a_path_decide(capsys, tmp_path):
    for name in ("a", "b"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (80, 80), (number, 0, 0)).save(tmp_path / "photos" / name / f"{number}.png")
    assert [one["data"] for one in objects(capsys, "resnet50", "--dataset", str(tmp_path / "photos"))] == ["any data"]


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["resnet5"], ["resnet5", "resnet50"]),
        (["resnet50", "--dataset", "imagenet"], ["imagenet", "data set of TFDS"]),
        (["resnet50", "--dataset", "hf://datasets/me/photos"], ["hf://datasets/me/photos", "--dry-run"]),
        (["--dataset", "imagenet2012"], ["--dataset needs a network"]),
        (["resnet50", "--recipe", "timm_a1"], ["--recipe"]),
        (["--recipe", "timm_a4"], ["timm_a4", "timm_a3"]),
        (["resnet50", "--model", "resnet18"], ["--model"]),
    ],
)
def test_refusals(capsys, arguments, parts):
    error = error_of(capsys, "recipes", *arguments)
    assert all(part in error for part in parts)
