"""The command `list`: filters, the order, and JSON."""

import json
from importlib.metadata import EntryPoint, EntryPoints

import pytest
from command_line import error_of

from zoo import registry
from zoo.__main__ import main
from zoo.registry import list_models
from zoo.runtime import network_packages


def listed(capsys, *arguments):
    """The records that `list --json` prints."""
    assert main(["list", "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def names(capsys, *arguments):
    return [record["name"] for record in listed(capsys, *arguments)]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        # Parameters and accuracies as torchvision's documentation states them.
        (["lenet*", "--below", "61.8K"], ["lenet5", "lenet5_1998"]),
        (["squeezenet*", "--below", "1.24M"], ["squeezenet1_1"]),
        (["squeezenet*", "--below=1235496"], []),
        (["squeezenet*", "--accuracy-above", "58.1"], ["squeezenet1_1"]),
        (["--macs-below", "100M", "--year", "1998"], ["lenet5", "lenet5_1998"]),
        (["vgg*", "--year", "2015-2017"], []),
        (["vgg1?", "--year", "2014-"], ["vgg11", "vgg13", "vgg16", "vgg19"]),
        (["[b-m]*", "--input", "32-64"], ["densenet_40_12", "densenet_bc_100_12", "lenet5", "lenet5_1998"]),
        (["a*", "--input", "32-64"], ["airbench94", "airbench95", "airbench96"]),
        (["--input", "600"], ["efficientnet_b7", "efficientnet_b7_tf"]),
        (["lenet*", "--pretrained"], []),
        (["resnet18", "--pretrained", "--input", "224"], ["resnet18"]),
    ],
)
def test_filters(capsys, arguments, expected):
    assert names(capsys, *arguments) == expected


def test_the_order(capsys):
    nets = ["vgg11", "vgg13", "vgg16"]
    assert names(capsys, "vgg1[136]") == nets
    assert names(capsys, "vgg1[136]", "--sort", "macs", "--reverse") == nets[::-1]
    assert names(capsys, "vgg1[136]", "--reverse") == nets[::-1]
    for direction in ([], ["--reverse"]):
        records = listed(capsys, "--sort", "accuracy", *direction)
        known = [record["top1"] for record in records if record["top1"] is not None]
        assert known == sorted(known, reverse=bool(direction))
        # What is not known comes last in both.
        assert [record["top1"] for record in records[len(known) :]] == [None] * (len(records) - len(known))


def test_json_has_what_is_known(capsys):
    (record,) = listed(capsys, "resnet50")
    assert (record["parameters"], record["input_size"], record["year"]) == (25_557_032, 224, 2015)
    default = record["weights"][0]
    assert (default["tag"], default["licence"]) == ("torchvision/IMAGENET1K_V2", "bsd-3-clause")
    assert (default["top1"], default["top5"], default["input_size"]) == (80.858, 95.434, 224)
    assert record["top1"] >= 80.858
    assert len(listed(capsys)) == len(list_models())


def test_networks_of_packages(capsys, monkeypatch):
    """One of them cannot be imported."""
    entries = [
        EntryPoint("my_net", "flax.linen:Dense", "zoo.models"),
        EntryPoint("broken", "no_such:Net", "zoo.models"),
    ]
    select = EntryPoints(entries).select
    monkeypatch.setattr(network_packages, "entry_points", select)
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    assert main(["list", "*n*"]) == 0
    output, error = capsys.readouterr()
    assert error.count("\n") == 1 and "broken" in error and "vgg11_bn" in output
    (row,) = [line.split() for line in output.splitlines() if line.startswith("my_net")]
    assert row == ["my_net", "-", "-", "224x224x3", "-", "-", "flax.linen:Dense"]
    (record,) = listed(capsys, "my_net")
    assert record["parameters"] is record["year"] is None and record["source"] == "flax.linen:Dense"
    # What is not known is not below a number.
    assert names(capsys, "my_net", "--below", "10M") == []
    assert "broken" in error_of(capsys, "list", "broken")


def test_the_table_shows_the_accuracy(capsys):
    assert main(["list", "alexnet"]) == 0
    cells = capsys.readouterr().out.splitlines()[2].split()
    assert cells[:2] == ["alexnet", "61,100,840"] and cells[5] == "56.52"
    assert main(["list", "regnet_y_16gf"]) == 0
    assert "  86.01 at 384  " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["vgg"], ['"*vgg*"']),
        (["VGG"], ['"*vgg*"']),
        (["--below", "1k"], ["no network is left"]),
        (["--below", "ten"], ["--below", "'ten'", "10M"]),
        (["--below", "-5M"], ["--below"]),
        (["--accuracy-above", "0.8"], ["--accuracy-above", "from 1 to 100"]),
        (["--year", "2017-2015"], ["--year", "smaller number first"]),
        (["--year", "-2015"], ["--year"]),
        (["--input", "224x224"], ["--input", "1 to 16384"]),
        (["--sort", "acuracy"], ["did you mean accuracy"]),
        (["--bellow", "1M"], ["did you mean --below"]),
    ],
)
def test_bad_input_is_one_line(capsys, arguments, parts):
    error = error_of(capsys, "list", *arguments)
    assert all(part in error for part in parts), error
