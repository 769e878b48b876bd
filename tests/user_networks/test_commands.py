"""Commands with a network of the user's: what they say before anything is compiled, and what runs remember."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from command_line import error_of
from quick import drawn

import zoo
from zoo import registry
from zoo.__main__ import main
from zoo.commands.arguments.network import model_fields
from zoo.data import Preprocessing, open_dataset
from zoo.registry import import_model
from zoo.report.run.train_command import train_command
from zoo.training import Recipe, RunFolder, recipe_for
from zoo.training.resolve_config import resolve_config
from zoo.visualize.network_and_images import TrainedNetwork, default_layers, default_rule
from zoo.weights import Weights, save

ROOT = Path(__file__).parents[2]


@pytest.fixture
def digits():
    return open_dataset("digits")


@pytest.fixture
def saved(nets, monkeypatch):
    """A weights file of the user's network, and as in a new process nothing of it imported."""
    import_model("nets:Plain")
    network = zoo.create_model("nets:Plain", num_classes=3, width=2)
    preprocessing = Preprocessing(image_shape=(8, 8, 3), mean=(0.5,) * 3, std=(0.5,) * 3)
    fields = {"num_classes": 3, "width": 2}
    variables = jax.tree.map(np.asarray, drawn(network, (8, 8, 3)))
    save(
        "mine.safetensors", Weights(model="nets:Plain", variables=variables, preprocessing=preprocessing, fields=fields)
    )
    monkeypatch.setattr(registry, "_REGISTRY", {n: i for n, i in registry._REGISTRY.items() if not i.source})
    sys.modules.pop("nets")
    return nets


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("width=7", {"width": 7}),
        ("rate=1", {"rate": 1.0}),
        ("rate=1e-2", {"rate": 0.01}),
        ("norm=none", {"norm": "none"}),
        ("norm=7", {"norm": "7"}),
        ("sizes=2,3", {"sizes": (2, 3)}),
        ("sizes=[2, 3]", {"sizes": (2, 3)}),
        ("sizes=4", {"sizes": (4,)}),
        ("sizes=()", {"sizes": ()}),
    ],
)
def test_a_field_has_the_type_of_its_class(nets, text, expected):
    import_model("nets:Plain")
    assert model_fields("nets:Plain", [text]) == expected
    assert type(zoo.create_model("nets:Plain", num_classes=2, **expected)).__name__ == "Plain"


def test_auxiliary_heads_are_the_recipes(capsys):
    assert "--aux-heads" in error_of(capsys, "train", "--model", "googlenet", "--model-arg", "aux_heads=true")


def test_the_mode_is_zoos(nets, capsys):
    assert "leave it out" in error_of(capsys, "train", "--model", "nets:WithSetup", "--model-arg", "train=true")


def test_fields_of_zoo_and_of_functions(nets):
    assert model_fields("googlenet", ["aux_heads=true"]) == {"aux_heads": True}
    import_model("nets:make")
    assert model_fields("nets:make", ["depth=3"]) == {"depth": 3}


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["width"], ["'width'", "NAME=VALUE"]),
        (["widht=2"], ["widht", "did you mean width"]),
        (["width=wide"], ["width", '"wide"', "whole number"]),
        (["width=2.5"], ["width", "2.5", "whole number"]),
        (["rate=1e999"], ["rate", "number"]),
        (["width=" + "9" * 5000], ["width", "whole number"]),
        (["rate=x"], ["rate", '"x"', "number"]),
        (["num_classes=3"], ["num_classes", "leave it out"]),
        (["training=true"], ["training"]),
        (["aux_heads=true"], ["aux_heads"]),
        (["n_classes=3"], ["n_classes"]),
        (["act=tanh"], ["act", "class"]),
        (["width=2", "width=3"], ["width", "twice"]),
    ],
)
def test_a_wrong_field_is_one_line(nets, capsys, arguments, parts):
    flags = [part for argument in arguments for part in ("--model-arg", argument)]
    error = error_of(capsys, "train", "--model", "nets:Plain", *flags)
    assert all(part in error for part in parts)


@pytest.mark.parametrize(
    ("flags", "parts"),
    [
        (["--model", "nets:Returns", "--model-arg", "what=softmax"], ["probabilities"]),
        (["--model", "nets:Returns", "--model-arg", "what=tuple"], ["a tuple of 2"]),
        (["--model", "nets:sequence", "--dataset", "photos"], ["10 logits", "2 classes"]),
        (["--model", "nets:Plain", "--dtype", "bfloat16"], ["dtype"]),
        (["--model", "nets:Plain", "--aux-heads"], ["aux_heads"]),
        (["--model", "nets:ChannelsFirst"], ["(3, 16, 16)", "height, width and channels"]),
        (["--model", "nets:Plain", "--pretrained"], ["nets:Plain", "weights file"]),
    ],
)
def test_what_cannot_be_trained_is_one_line(nets, capsys, flags, parts):
    from PIL import Image

    for index in range(8):
        folder = nets / "photos" / ("train" if index % 4 else "val") / "ab"[index // 4]
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (9, 9)).save(folder / f"{index}.png")
    error = error_of(capsys, "train", *flags)
    assert all(part in error for part in parts)
    assert not (nets / "checkpoints").exists()


@pytest.mark.parametrize(
    ("command", "parts"),
    [
        (["evaluate", "--dataset", "digits", "--weights", "mine.safetensors"], ["--model nets:Plain", "runs the code"]),
        (["evaluate", "--dataset", "digits", "--checkpoint", "mine.safetensors"], ["--model nets:Plain"]),
        (["report", "--checkpoint", "mine.safetensors", "--out", "x.html"], ["--model nets:Plain"]),
        (["visualize", "--checkpoint", "mine.safetensors", "--out", "x"], ["--model nets:Plain"]),
        (["convert", "mine.safetensors", "x.safetensors", "--model", "lenet5"], ["nets:Plain"]),
    ],
)
def test_a_file_alone_imports_nothing(saved, capsys, command, parts):
    error = error_of(capsys, *command)
    assert all(part in error for part in parts) and "nets" not in sys.modules


@pytest.mark.parametrize(
    ("command", "parts"),
    [
        (["evaluate", "--dataset", "digits", "--model-arg", "width=3"], ["width=2, not 3"]),
        (["visualize", "--out", "x", "--model-arg", "rate=0.25"], ["rate=0.5, not 0.25"]),
        (["evaluate", "--dataset", "digits"], ["10 classes", "3"]),
    ],
)
def test_the_file_says_the_fields(saved, capsys, command, parts):
    error = error_of(capsys, *command, "--model", "nets:Plain", "--checkpoint", "mine.safetensors")
    assert all(part in error for part in parts)


def test_other_libraries_do_not_have_it(saved, capsys):
    error = error_of(capsys, "convert", "mine.safetensors", "x.safetensors", "--model", "nets:Plain", "--to", "timm")
    assert "timm has no nets:Plain" in error
    assert main(["convert", "mine.safetensors", "half.safetensors", "--model", "nets:Plain", "--half"]) == 0
    assert zoo.weights.load("half.safetensors").fields == {"num_classes": 3, "width": 2}


def test_a_run_remembers_the_network_and_its_fields(nets, digits, monkeypatch):
    import_model("nets:Plain")
    config = resolve_config("nets:Plain", digits, {"epochs": 1}, fields={"width": 7})
    assert config.fields == {"width": 7, "rate": 0.5, "sizes": (), "norm": "batch"}
    assert config.preprocessing.image_shape == (32, 32, 1)
    assert "--model nets:Plain" in train_command(config) and "--model-arg width=7" in train_command(config)
    folder = RunFolder(nets / "run")
    folder.start(config)
    assert folder.read_config() == config
    monkeypatch.setattr(registry, "_REGISTRY", {n: i for n, i in registry._REGISTRY.items() if not i.source})
    sys.modules.pop("nets")
    with pytest.raises(zoo.ZooError, match=r"config.json.*--model nets:Plain"):
        folder.read_config()
    (nets / "nets.py").rename(nets / "moved.py")
    import_model("moved:Plain")
    with pytest.warns(zoo.errors.ZooWarning, match="moved:Plain"):
        assert folder.read_config("moved:Plain").model == "moved:Plain"
    sys.modules.pop("moved")


def test_the_size_that_a_network_states_is_that_of_its_images(nets, digits):
    import_model("nets:Wide")
    config = resolve_config("nets:Wide", digits, {"epochs": 1})
    assert config.preprocessing.image_shape == (16, 48, 1)
    config = resolve_config("nets:Wide", digits, {"epochs": 1, "image_size": 24})
    assert config.preprocessing.image_shape == (24, 24, 1)


def test_a_field_that_the_class_had(saved, capsys):
    (saved / "nets.py").write_text(
        "import flax.linen as nn\n\n\nclass Plain(nn.Module):\n    wide: int = 4\n\n    def __call__(self, x):\n"
        "        return x\n"
    )
    error = error_of(capsys, "evaluate", "--model", "nets:Plain", "--checkpoint", "mine.safetensors")
    assert "'width'" in error and "nets:Plain" in error and "did you mean wide?" in error


@pytest.mark.parametrize("command", [["summary"], ["report", "--out", "x.html"]])
def test_the_network_is_named_by_its_place_or_by_a_flag(nets, capsys, command):
    assert "MODEL" in error_of(capsys, *command)
    assert "not allowed with" in error_of(capsys, *command, "lenet5", "--model", "vgg16")
    assert "'Nowhere'" in error_of(capsys, *command, "--model", "nets:Nowhere")
    assert "'Nowhere'" in error_of(capsys, *command, "nets:Nowhere")


def test_a_stated_image_shape_is_that_of_the_run_whichever_it_is(nets, digits):
    import_model("nets:Large")
    assert resolve_config("nets:Large", digits, {}).preprocessing.image_shape == (224, 224, 1)


@pytest.mark.parametrize("name", ["nets", "nets.py", "nets.Net"])
def test_a_name_that_is_a_file_here_is_explained(nets, capsys, name):
    assert "nets:Net" in error_of(capsys, "summary", name)


def test_two_networks_of_the_user_beside_each_other(nets):
    command = ["report", "nets:Plain", "--compare", "nets:TrainByPosition", "--classes", "3", "--input", "8"]
    assert main([*command, "--out", "both.html"]) == 0
    assert "nets:Plain beside nets:TrainByPosition" in (nets / "both.html").read_text()


def test_a_name_that_begins_as_one_of_zoo_has_the_default_recipe(nets):
    (nets / "googlenet_mine.py").write_text("from nets import *\n")
    assert recipe_for("googlenet_mine:Plain", "digits") == Recipe()
    assert recipe_for("googlenet", "digits") != Recipe()


def test_pictures_of_a_network_without_act_or_stages(nets):
    import_model("nets:Plain")
    network = zoo.create_model("nets:Plain", num_classes=3)
    preprocessing = Preprocessing(image_shape=(8, 8, 3), mean=(0.5,) * 3, std=(0.5,) * 3)
    weights = Weights(
        model="nets:Plain", variables=drawn(network, (8, 8, 3)), preprocessing=preprocessing, fields={"num_classes": 3}
    )
    assert default_layers(TrainedNetwork(weights, "")) == ["bn"]
    import_model("nets:Returns")
    import nets as module

    assert not hasattr(module.Returns(), "act")
    returns = Weights(model="nets:Returns", variables={}, preprocessing=preprocessing)
    assert default_rule(TrainedNetwork(returns, ""))[0] == "gradient"


@pytest.mark.slow
def test_the_page_runs_outside_of_the_source_tree(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    page = ROOT / "docs" / "own_network.md"
    command = [sys.executable, "-m", "documentation.run_page", page]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "my_net.html").stat().st_size > 100_000
