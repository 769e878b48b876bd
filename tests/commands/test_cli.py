"""The command line as a user meets it: in a separate process, with its output in a pipe."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import error_of

import zoo
from zoo import registry
from zoo.__main__ import main

ROOT = Path(__file__).parents[2]
NETWORKS = """
import flax.linen as nn

class Net(nn.Module):
    num_classes: int = 10

    @nn.compact
    def __call__(self, x):
        return nn.Dense(self.num_classes, name="head")(nn.Conv(4, (3, 3), name="conv")(x).mean(axis=(1, 2)))

class TwoInputs(nn.Module):
    @nn.compact
    def __call__(self, x, mask):
        return x * mask

class Fixed(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Dense(2)(x.mean(axis=(1, 2)))

class LargeKernel(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Conv(4, (9, 9), padding="VALID")(x)

net = Net(num_classes=3)
number = 7

def make():
    return Net(2)
"""


@pytest.fixture
def user_directory(tmp_path, monkeypatch):
    """The current directory, with user_networks.py in it."""
    (tmp_path / "user_networks.py").write_text(NETWORKS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "user_networks", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    return tmp_path


def test_list(capsys):
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert "6,998,552" in out and "1,582,671,872" in out and "Going Deeper with Convolutions" in out


def test_list_pattern(capsys):
    main(["list", "vgg1?"])
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()[2:]]
    assert names == ["vgg11", "vgg13", "vgg16", "vgg19"]


def test_summary(capsys):
    assert main(["summary", "googlenet"]) == 0
    out = capsys.readouterr().out
    assert "parameters: 6,998,552" in out
    assert "1,582,671,872 MACs = 3,165,343,744 FLOPs" in out
    assert "input 1x224x224x3" in out


def test_summary_options(capsys):
    main(["summary", "lenet5", "--input", "64x48", "--depth", "1", "--classes", "7", "--without-sharing"])
    out = capsys.readouterr().out
    assert "input 1x64x48x1" in out
    assert "parameters: 61,451" in out
    assert "parameters without sharing" in out


@pytest.mark.parametrize("against", [[], ["--against", "paper"]])
def test_formats(capsys, against):
    main(["summary", "googlenet", "--format", "json", *against])
    assert json.loads(capsys.readouterr().out)["rows"]
    main(["summary", "googlenet", "--format", "csv", *against])
    lines = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert len({len(line) for line in lines}) == 1
    main(["summary", "googlenet", "--format", "markdown", *against])
    assert capsys.readouterr().out.startswith("| ")


def test_against_paper(capsys):
    main(["summary", "googlenet", "--against", "paper"])
    out = capsys.readouterr().out
    assert "2.7K" in out and "9,408" in out and "-70.6%" in out
    assert "separable 7x7" in out


def test_xla_column(capsys):
    main(["summary", "lenet5", "--xla"])
    out = capsys.readouterr().out
    assert "XLA FLOPs" in out and "without taps on padding" in out


@pytest.mark.parametrize(("attribute", "parameters"), [("Net", 4 * 27 + 4 + 50), ("net", 127), ("make", 122)])
def test_user_network(user_directory, capsys, attribute, parameters):
    assert main(["summary", f"user_networks:{attribute}", "--input", "16"]) == 0
    assert f"parameters: {parameters}" in capsys.readouterr().out


@pytest.mark.parametrize("attribute", ["Net", "net"])
def test_user_network_with_classes(user_directory, capsys, attribute):
    main(["summary", f"user_networks:{attribute}", "--input", "16", "--classes", "5"])
    assert "parameters: 137" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["googlnet"], ["googlenet"]),
        (["alexnet", "--input", "32"], ["63x63"]),
        (["alexnet", "--input", "big"], ["--input 'big'", "224x320"]),
        (["lenet5", "--against", "paper"], ["lenet5", "googlenet"]),
        (["googlenet", "--against", "paper", "--input", "256"], ["256"]),
        (["user_networks:Nett", "--input", "16"], ["'Nett'", "net, Net"]),
        (["user_networks:number", "--input", "16"], ["user_networks:number", "int"]),
        (["user_networks:TwoInputs", "--input", "16"], ["'mask'"]),
        (["user_networks:LargeKernel", "--input", "8"], ["LargeKernel"]),
        (
            ["user_networks:Fixed", "--input", "16", "--classes", "2"],
            ["--classes", "user_networks:Fixed", "num_classes"],
        ),
        (["user_networks:Net"], ["Net", "--input"]),
        (["no_such_package.nets:Net"], ["no_such_package.nets", "no_such_package.py"]),
    ],
)
def test_bad_input_is_one_line(user_directory, capsys, arguments, named):
    error = error_of(capsys, "summary", *arguments)
    assert all(part in error for part in named)


def test_list_without_match(capsys):
    error = error_of(capsys, "list", "vg16")
    assert "'vg16'" in error and "vgg16" in error


@pytest.mark.parametrize("option", ["--depth", "--classes"])
@pytest.mark.parametrize("number", ["-1", "1.5", "1_0", "²"])
def test_a_number_out_of_range_names_its_option(capsys, option, number):
    error = error_of(capsys, "summary", "lenet5", f"{option}={number}")
    assert f"{option}: {number!r} is not a whole number from 0 to " in error


def test_two_dashes_are_no_value(capsys):
    assert "--batch-size: '--' is no value" in error_of(capsys, "predict", "absent.png", "--batch-size=--")


def test_version(capsys):
    with pytest.raises(SystemExit) as done:
        main(["--version"])
    assert done.value.code == 0
    assert capsys.readouterr().out == f"zoo {zoo.__version__}\n"


def test_help(capsys):
    with pytest.raises(SystemExit) as done:
        main(["--help"])
    assert done.value.code == 0
    out = capsys.readouterr().out
    assert "list" in out and "summary" in out


def test_pipe_that_closes_early():
    command = f"{sys.executable} -m zoo summary googlenet | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "0"


def test_narrow_terminal():
    """On a terminal of 60 columns no line is longer, and nothing but text is written."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "COLUMNS": "60"}
    command = [sys.executable, "-m", "zoo", "summary", "lenet5"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=follower, stderr=follower) as process:
        os.close(follower)
        written = b""
        try:
            while chunk := os.read(leader, 4096):
                written += chunk
        except OSError:  # Linux's end of file on a terminal
            pass
        assert process.wait() == 0
    os.close(leader)
    lines = written.decode().splitlines()
    assert max(map(len, lines)) <= 60
    assert "\x1b" not in written.decode()
    assert "columns left out" in written.decode()


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["predict", "ct.jpg", "--model", "lenet5"], "cat.jpg"),
        (["predict", "cat.jpg", "--weights", "lent.safetensors"], "lenet.safetensors"),
        (["predict", "cat.jpg", "--model", "alexnet", "--weights", "lent.safetensors"], "lenet.safetensors"),
        (["predict", "cat.jpg", "--checkpoint", "checkpoints/lenet5-digts"], "checkpoints/lenet5-digits"),
        # The folder of runs, or the name of a run alone.
        (["predict", "cat.jpg", "--checkpoint", "checkpoints"], "checkpoints/lenet5-digits"),
        (["predict", "cat.jpg", "--checkpoint", "lenet5-digits"], "checkpoints/lenet5-digits"),
        (["train", "--model", "lenet5", "--dataset", "./phtos"], "photos"),
        (["train", "--model", "lenet5", "--dataset", "phtos"], "photos"),
        (["train", "--model", "lenet5", "--dataset", "mnits"], "mnist"),
        (["train", "--model", "lenet5", "--resume", "--run-dir", "lenet5-digits"], "checkpoints/lenet5-digits"),
    ],
)
def test_a_path_that_does_not_exist_says_what_was_meant(tmp_path, monkeypatch, capsys, arguments, meant):
    monkeypatch.chdir(tmp_path)
    for name in ("cat.jpg", "lenet.safetensors", "checkpoints/lenet5-digits/config.json", "photos/a/1.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    error = error_of(capsys, *arguments)
    assert f"did you mean {meant}" in error


def test_a_misspelt_attribute_of_the_package_says_what_was_meant():
    with pytest.raises(AttributeError) as error:
        zoo.creat_model  # noqa: B018
    # Python's traceback takes them for its suggestion.
    assert error.value.name == "creat_model" and error.value.obj is zoo
