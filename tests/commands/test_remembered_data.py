"""The data set of a run is found again, wherever the command is called, and never confused with another."""

import dataclasses
import json
import shutil
from contextlib import ExitStack

import pytest
from command_line import error_of
from PIL import Image
from rich.console import Console

from zoo.__main__ import main
from zoo.commands.arguments.remembered_data import run_dataset, weights_dataset
from zoo.data import DataOrigin, open_dataset
from zoo.errors import ZooError
from zoo.training import RunFolder, checkpoint_weights
from zoo.training.prepare import prepare
from zoo.training.run_request import RunRequest
from zoo.weights import load, save

ADVICE = "give it with --dataset"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Another folder than that of the training, in which nothing has the name of the run's data."""
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(short_run, tmp_path):
    """A copy of the run, and of its data in the folder "digits", the name of a built-in data set."""
    shutil.copytree(short_run.data, tmp_path / "mine" / "digits")
    shutil.copytree(short_run.folder, tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    data = dataclasses.replace(folder.read_config().data, path=str(tmp_path / "mine" / "digits"))
    folder.write_config(dataclasses.replace(folder.read_config(), dataset="digits", data=data))
    return folder


def write_config(folder, **changes):
    stored = json.loads(folder.config_file.read_text())
    folder.config_file.write_text(json.dumps({**stored, **changes}))


def test_the_configuration_says_where_the_data_is_and_what_is_in_it(short_run):
    config = RunFolder(short_run.folder).read_config()
    data = config.data
    assert (data.kind, data.path, config.dataset) == ("folder", str(short_run.data.resolve()), "squares")
    assert (data.training.images, data.training.per_class, data.test.per_class) == (72, (24, 24, 24), (6, 6, 6))
    assert data == open_dataset(short_run.data).origin


def test_a_folder_with_the_name_of_a_built_in_set_is_not_that_set(capsys, run):
    assert main(["evaluate", "--checkpoint", "run"]) == 0
    captured = capsys.readouterr()
    assert "lenet5 on digits: 18 test images, 3 classes" in captured.out
    assert f"data: the folder {run.read_config().data.path}" in captured.err
    assert main(["visualize", "--checkpoint", "run", "--method", "saliency", "--limit", "1", "--out", "out"]) == 0
    assert "digits, test images" in (run.path.parent / "out" / "index.html").read_text()


def test_a_folder_that_has_moved_is_named_and_replaced(capsys, run, tmp_path):
    (tmp_path / "mine").rename(tmp_path / "theirs")
    error = error_of(capsys, "evaluate", "--checkpoint", "run")
    assert "mine/digits is not there any more" in error and "--dataset" in error
    (tmp_path / "theirs" / "digits").rename(tmp_path / "theirs" / "shapes")
    assert main(["evaluate", "--checkpoint", "run", "--dataset", "theirs/shapes"]) == 0
    assert "lenet5 on digits: 18 test images" in capsys.readouterr().out

    arguments = ["train", "--model", "lenet5", "--run-dir", "run", "--resume"]
    assert "not there any more" in error_of(capsys, *arguments)
    assert main([*arguments, "--dataset", "theirs/shapes"]) == 0
    place = str(tmp_path / "theirs" / "shapes")
    assert f"shapes ({place}): 72 training" in capsys.readouterr().out
    assert run.read_config().data.path == place
    assert main(["evaluate", "--checkpoint", "run"]) == 0


def test_another_folder_with_the_same_files_names_is_not_the_data_of_the_run(capsys, run, tmp_path):
    shutil.copytree(tmp_path / "mine" / "digits", tmp_path / "noisy")
    assert main(["evaluate", "--checkpoint", "run", "--dataset", "noisy"]) == 0
    assert "lenet5 on noisy: 18 test images" in capsys.readouterr().out
    shutil.rmtree(tmp_path / "mine")
    assert weights_dataset(checkpoint_weights(run.path), open_dataset("noisy"), None).name == "digits"
    assert f"data: the folder {tmp_path / 'noisy'}" in capsys.readouterr().err


def test_another_data_set_of_tfds_with_the_same_labels_is_not_that_of_the_weights(short_run):
    weights = checkpoint_weights(short_run.folder)
    mnist = dataclasses.replace(weights.data, kind="tfds", name="mnist:3.0.1", path="")
    weights = dataclasses.replace(weights, data=mnist, dataset="mnist")
    squares = open_dataset(short_run.data)
    fog = dataclasses.replace(
        squares, name="mnist_corrupted", place=DataOrigin(kind="tfds", name="mnist_corrupted/fog:1.0.0")
    )
    assert weights_dataset(weights, fog, None).name == "mnist_corrupted"


def test_images_that_can_be_read_since_stay_left_out(capsys, run, tmp_path):
    for index in range(5):
        Image.new("RGB", (24, 24)).save(tmp_path / "mine" / "digits" / "upper left" / f"new{index}.avif")
    dataset = weights_dataset(checkpoint_weights(run.path), None, None)
    noted = capsys.readouterr().err
    assert "AVIF could not be read when the training started" in noted and "has changed" not in noted
    assert dataset.origin == run.read_config().data
    request = RunRequest(model="lenet5", dataset=open_dataset(dataset.place.path), folder=run, resume=True)
    with ExitStack() as lock:
        assert prepare(request, Console(quiet=True), lock).config.data == dataset.origin


def test_a_folder_that_has_changed(capsys, run, tmp_path):
    folder = tmp_path / "mine" / "digits"
    for index in range(5):
        Image.new("RGB", (24, 24)).save(folder / "upper left" / f"new{index}.png")
    weights = checkpoint_weights(run.path)
    weights_dataset(weights, None, None)
    assert (
        "has changed since the training: it has 28 training images of upper left (24 then)" in capsys.readouterr().err
    )
    resume = ["train", "--model", "lenet5", "--run-dir", "run", "--resume"]
    assert "28 training images of upper left (24 then)" in error_of(capsys, *resume)

    (folder / "upper left").rename(folder / "middle")
    with pytest.raises(ZooError, match="missing: upper left; new: middle"):
        weights_dataset(weights, None, None)
    capsys.readouterr()
    assert "missing: upper left; new: middle" in error_of(capsys, *resume)


def test_a_built_in_set_does_not_replace_a_folder(capsys, run):
    resume = ["train", "--model", "lenet5", "--run-dir", "run", "--resume"]
    error = error_of(capsys, *resume, "--dataset", "digits")
    assert "mine/digits, not on the built-in digits" in error


def test_runs_of_earlier_versions_name_their_data(capsys, run, short_run, tmp_path):
    stored = json.loads(run.config_file.read_text())
    del stored["data"], stored["earlier"], stored["pretrained_sha256"]
    run.config_file.write_text(json.dumps({**stored, "dataset": "squares", "training_images": 72}))
    config = run.read_config()
    assert (config.data.kind, config.data.training.images) == ("unknown", 72)
    with pytest.raises(ZooError, match="'squares' of this run cannot be opened: give it with --dataset"):
        run_dataset(config, None)
    capsys.readouterr()
    (short_run.data.parent / "squares" / "notes.txt").write_text("")
    assert run_dataset(config, short_run.data.parent).name == "squares"
    (short_run.data.parent / "squares" / "notes.txt").unlink()
    # The run names the files that are left out, once.
    assert not capsys.readouterr().err
    # The digits have other classes than a run on a folder of this name.
    write_config(run, dataset="digits")
    assert "the built-in digits has other classes than these weights" in error_of_second_line(capsys, "run")
    resumed = error_of(capsys, "train", "--model", "lenet5", "--run-dir", "run", "--resume")
    assert "other classes than the run in run" in resumed and "with --dataset" in resumed


def error_of_second_line(capsys, checkpoint):
    assert main(["evaluate", "--checkpoint", checkpoint]) == 2
    _, error = capsys.readouterr().err.splitlines()
    return error


def test_a_run_on_arrays_is_resumed_from_python(run):
    write_config(run, data={"kind": "arrays"})
    with pytest.raises(ZooError, match=r"resume it with zoo\.train"):
        run_dataset(run.read_config(), None)
    with pytest.raises(ZooError, match=r"data in memory.*give it with --dataset"):
        weights_dataset(checkpoint_weights(run.path), None, None)


def test_a_weights_file_has_no_paths_and_says_what_is_missing(run, tmp_path):
    save(tmp_path / "w.safetensors", checkpoint_weights(run.path))
    weights = load(tmp_path / "w.safetensors")
    assert (weights.data.kind, weights.data.path, weights.data.training) == ("folder", "", None)
    with pytest.raises(ZooError, match=r"data of these weights \('digits', a folder\) is not known: give it"):
        weights_dataset(weights, None, None)
    assert len(weights_dataset(weights, None, tmp_path / "mine").test) == 18
    assert str(tmp_path).encode() not in (tmp_path / "w.safetensors").read_bytes()
