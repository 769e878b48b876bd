"""`zoo export` writes a file that says what it is, and refuses in one line, leaving nothing."""

import json
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from command_line import error_of
from jax import export

from zoo.__main__ import main
from zoo.weights import load

FILE = str(Path(__file__).parents[2] / "checkpoints" / "lenet5-fashion-mnist.safetensors")
NETWORKS = """
import flax.linen as nn

class Net(nn.Module):
    num_classes: int = 3

    @nn.compact
    def __call__(self, x):
        return nn.Dense(self.num_classes, name="head")(nn.Conv(4, (3, 3), name="conv")(x).mean(axis=(1, 2)))
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path.with_name("cache")))
    return tmp_path


def served(path, images):
    return jax.device_get(export.deserialize(bytearray(path.read_bytes())).call(images))


def test_stablehlo(capsys, folder):
    arguments = ["export", "lenet5", "--weights", FILE, "--to", "stablehlo", "--out", "net.stablehlo"]
    assert main([*arguments, "--preprocess", "normalize", "--input", "40x36", "--batch-size", "1"]) == 0
    output, error = capsys.readouterr()
    assert "relative error" in output and "net.stablehlo.json" in output and "SHA-256" in error
    pixels = np.random.default_rng(0).integers(0, 256, (1, 40, 36, 1), np.uint8)
    weights = load(FILE)
    expected = weights.network().apply(weights.variables, weights.preprocessing.normalized(pixels))
    np.testing.assert_allclose(served(folder / "net.stablehlo", pixels)["logits"], expected, rtol=1e-4, atol=1e-4)
    metadata = json.loads((folder / "net.stablehlo.json").read_text())
    assert metadata["input"]["shape"] == [1, 40, 36, 1] and metadata["weights"] == "lenet5-fashion-mnist.safetensors"
    before = (folder / "net.stablehlo").read_bytes()
    assert "--force" in error_of(capsys, *arguments)
    assert (folder / "net.stablehlo").read_bytes() == before
    assert main([*arguments, "--force"]) == 0
    assert (folder / "net.stablehlo").read_bytes() != before


def test_a_users_network_with_its_weights(capsys, folder, monkeypatch):
    from zoo.registry import import_model
    from zoo.weights import Weights, save
    from zoo.weights.files import default_preprocessing

    (folder / "exported_networks.py").write_text(NETWORKS)
    monkeypatch.delitem(sys.modules, "exported_networks", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    name = import_model("exported_networks:Net").name
    preprocessing = default_preprocessing(name, (8, 8, 3))
    made = Weights(model=name, variables={}, preprocessing=preprocessing, fields={"num_classes": 3})
    variables = made.network().init(jax.random.key(0), np.zeros((1, 8, 8, 3), np.float32))
    save("net.safetensors", Weights(**{**vars(made), "variables": variables}))
    assert main(["export", name, "--weights", "net.safetensors", "--to", "stablehlo", "--out", "net.stablehlo"]) == 0
    images = np.random.default_rng(0).standard_normal((2, 8, 8, 3), np.float32)
    expected = made.network().apply(variables, images)
    np.testing.assert_allclose(served(folder / "net.stablehlo", images)["logits"], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--weights", FILE], "--to"),
        (["--weights", FILE, "--to", "stablehlo"], "--out"),
        (["--to", "stablehlo", "--out", "a"], "--model"),
        (["lenet5", "--model", "lenet5", "--to", "stablehlo", "--out", "a"], "--model"),
        (["vgg11", "--checkpoint", FILE, "--to", "stablehlo", "--out", "a"], "vgg11"),
        (["--checkpoint", FILE, "--weights", FILE, "--to", "stablehlo", "--out", "a"], "--checkpoint"),
        (["--checkpoint", FILE, "--to", "tflite", "--out", "a"], "--to"),
        (["--checkpoint", FILE, "--to", "stablehlo", "--out", "none/a"], "none"),
        (["--checkpoint", FILE, "--to", "stablehlo", "--out", "."], "folder"),
        (["--checkpoint", FILE, "--to", "stablehlo", "--out", ""], "empty"),
        (["--checkpoint", FILE, "--to", "stablehlo", "--out", "/dev/full"], "device"),
        (["--checkpoint", FILE, "--to", "stablehlo", "--out", "a", "--features", "c11"], "did you mean c1"),
        (["--checkpoint", FILE, "--to", "stablehlo", "--out", "a", "--features", "c1", "--softmax"], "softmax"),
        (["--checkpoint", FILE, "--to", "stablehlo", "--out", "a", "--input", "2"], "at least"),
        (["--checkpoint", FILE, "--to", "stablehlo", "--out", "a", "--input", "99999"], "16384"),
        (["--checkpoint", FILE, "--to", "stablehlo", "--out", "a", "--input", "32x32x3"], "channels"),
        (["--checkpoint", FILE, "--to", "stablehlo", "--out", "a", "--input", "16384"], "memory"),
        (["--checkpoint", FILE, "--to", "stablehlo", "--out", "a", "--preprocess", "all"], "--preprocess"),
        (["--checkpoint", FILE, "--to", "stablehlo", "--out", "a", "--dtype", "int8"], "--dtype"),
    ],
)
def test_what_is_refused_is_one_line_and_leaves_nothing(capsys, folder, monkeypatch, arguments, words):
    monkeypatch.setattr("zoo.models.memory_forecast.device_memory", lambda: 2**30)
    assert words in error_of(capsys, "export", *arguments)
    assert not list(folder.iterdir())
