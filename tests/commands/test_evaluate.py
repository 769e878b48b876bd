"""python -m zoo evaluate, on a short run of train.py."""

import json
import sys

import pytest
from command_line import error_of
from PIL import Image

from zoo.__main__ import main
from zoo.training import checkpoint_weights
from zoo.weights import save


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def given(short_run):
    return ["--dataset", str(short_run.data), "--checkpoint", str(short_run.folder)]


def test_the_accuracy_is_what_training_recorded(capsys, short_run, given):
    assert main(["evaluate", *given, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    recorded = [json.loads(line) for line in (short_run.folder / "metrics.jsonl").read_text().splitlines()]
    assert result["top1_accuracy"] == pytest.approx(max(line["test_accuracy"] for line in recorded), abs=1e-9)
    assert result["model"] == "lenet5" and result["dataset"] == "squares"
    assert result["images"] == 18 and result["top5_accuracy"] is None
    assert [row["images"] for row in result["classes"]] == [6, 6, 6]
    assert sum(map(sum, result["confusion"])) == 18


def test_text_for_people(capsys, given):
    assert main(["evaluate", *given, "--batch-size", "8"]) == 0
    first, _, top1, calibration, speed, _, titles, rule, *rows = capsys.readouterr().out.splitlines()
    assert calibration.startswith("calibration     0.") and speed.endswith(" images/s")
    assert first == "lenet5 on squares: 18 test images, 3 classes"
    assert top1.startswith("top-1 accuracy  ")
    assert titles.split("  ")[0] == "class" and titles.endswith("most often mistaken for")
    assert set(rule) == {"-"}
    assert [row.split("  ")[0] for row in rows] == ["lower left", "upper left", "upper right"]


def test_a_weights_file(capsys, short_run, tmp_path):
    save(tmp_path / "w.safetensors", checkpoint_weights(short_run.folder))
    outputs = []
    for weights in (["--weights", "w.safetensors"], ["--model", "lenet5", "--weights", "w.safetensors"]):
        assert main(["evaluate", "--dataset", str(short_run.data), *weights]) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]


def test_a_picture_of_the_confusion_matrix(capsys, given, tmp_path):
    assert main(["evaluate", *given, "--confusion", "confusion.png"]) == 0
    with Image.open(tmp_path / "confusion.png") as image:
        assert image.format == "PNG"


def test_several_networks_views_and_a_reliability_diagram(capsys, given, short_run, tmp_path):
    more = ["--ensemble", str(short_run.folder), "--views", "2", "--split", "all", "--reliability", "reliability.svg"]
    assert main(["evaluate", *given, *more, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["networks"], result["views"]) == (2, 2) and result["images"] > 18
    assert sum(one["images"] for one in result["calibration"]) == result["images"]
    assert "<svg" in (tmp_path / "reliability.svg").read_text()
    assert "144 crops" in error_of(capsys, "evaluate", *given, "--views", "144") or short_run
    (tmp_path / "real.json").write_text("[[0], [1, 2]]")
    assert "ImageNet" in error_of(capsys, "evaluate", *given, "--real-labels", "real.json")


def test_without_matplotlib_the_command_ends_before_the_evaluation(capsys, given, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert "matplotlib" in error_of(capsys, "evaluate", *given, "--confusion", "confusion.png")


def test_another_data_set(capsys, short_run, given):
    other = [*given[2:], "--dataset", "digits"]
    error = error_of(capsys, "evaluate", *other)
    assert "digits" in error and "10 classes" in error and "lenet5" in error
    assert "./none" in error_of(capsys, "evaluate", *given[2:], "--dataset", "./none")
    assert "--model" in error_of(capsys, "evaluate", *given[:2])
    assert main(["evaluate", *given[2:]]) == 0  # that of the run
    assert "18 test images" in capsys.readouterr().out
    assert "batch of 6" in error_of(capsys, "evaluate", *given, "--batch-size", "6")
