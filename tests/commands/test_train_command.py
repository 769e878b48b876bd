"""The command `train`: help, short runs, and errors in one line with nothing written."""

import re

import numpy as np
import pytest
from jax.errors import JaxRuntimeError
from PIL import Image
from quick import computed, drawn
from short_runs import measured_rows

import zoo
from zoo.__main__ import main
from zoo.commands.train import resume_command
from zoo.data import Preprocessing
from zoo.training import RunFolder
from zoo.training.checkpoint.checkpoints import open_checkpointer
from zoo.training.logging import recorder
from zoo.weights import Weights, load, save


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Runs go to a separate folder, and draw no curves, which takes longer; no test uses the internet."""
    monkeypatch.setattr(recorder, "draw_curves", lambda rows, path, title: path.touch())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    for scheme in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(scheme, "http://127.0.0.1:9")


def class_folders(path, count=6):
    for label in ("cat", "dog"):
        (path / label).mkdir(parents=True)
        for i in range(count):
            Image.fromarray(np.full((40, 40, 3), 20 * i, np.uint8)).save(path / label / f"{i}.png")
    return path


def failing(capsys, *arguments):
    """The one line on stderr of a command that must fail and write nothing."""
    assert main(["train", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("zoo: ") and captured.err.count("\n") == 1
    return captured.err


def written(tmp_path):
    return (tmp_path / "checkpoints").exists()


def test_an_unknown_model(capsys, tmp_path):
    assert "unknown model 'goglenet'; did you mean googlenet" in failing(capsys, "--model", "goglenet")
    assert not written(tmp_path)


def test_an_unknown_data_set(capsys, tmp_path):
    assert "did you mean cifar10" in failing(capsys, "--model", "lenet5", "--dataset", "cifra10")
    assert not written(tmp_path)


def test_a_tfds_data_set_that_is_not_prepared(capsys, tmp_path):
    assert "cifar10 is not prepared in" in failing(capsys, "--model", "lenet5", "--dataset", "cifar10")
    assert not written(tmp_path)


def test_a_folder_without_images(capsys, tmp_path):
    (tmp_path / "empty" / "cat").mkdir(parents=True)
    line = failing(capsys, "--model", "lenet5", "--dataset", "empty")
    assert "empty" in line and "images" in line
    assert not written(tmp_path)


def test_a_corrupt_image_is_named(capsys, tmp_path):
    folder = class_folders(tmp_path / "pets")
    whole = (folder / "cat" / "3.png").read_bytes()
    (folder / "cat" / "3.png").write_bytes(whole[: len(whole) // 2])
    assert str(folder / "cat" / "3.png") in failing(capsys, "--model", "lenet5", "--dataset", str(folder))
    assert not written(tmp_path)


def test_a_truncated_idx_file_is_named(capsys, tmp_path):
    folder = tmp_path / "idx"
    folder.mkdir()
    for name, count in (("train", 20), ("t10k", 10)):
        images = bytes([0, 0, 8, 3]) + np.array([count, 28, 28], ">i4").tobytes() + bytes(count * 784)
        labels = bytes([0, 0, 8, 1]) + np.array([count], ">i4").tobytes() + bytes(count)
        (folder / f"{name}-images-idx3-ubyte").write_bytes(images[:-1] if name == "t10k" else images)
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(labels)
    assert "t10k-images-idx3-ubyte" in failing(capsys, "--model", "lenet5", "--dataset", str(folder))
    assert not written(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--batch-size", "0"], "--batch-size: '0' is not a whole number from 1 to 1048576"),
        (["--batch-size", "2000"], "batch_size is 2000: digits has only 1442 training images"),
        (["--batch-size", "30"], "a batch of 30 cannot be split over 4 devices"),
        (
            ["--image-size", "8"],
            "images are too small for LeNet5: resize them to at least 16x16 pixels, with --image-size 16",
        ),
        (["--shift", "32"], "shift is 32: images of 32x32 pixels"),
        (["--aux-heads"], "lenet5 has no field 'aux_heads'"),
        (["--keep", "0"], "--keep: '0' is not a whole number from 1"),
        (["--resume"], "no run to resume in checkpoints/lenet5-digits"),
    ],
)
def test_impossible_settings(capsys, tmp_path, arguments, message):
    assert message in failing(capsys, "--model", "lenet5", *arguments)
    assert not written(tmp_path)


def test_a_run_prints_its_accuracy_last_and_resumes_only_as_itself(capsys, tmp_path):
    short = ["--epochs", "1", "--batch-size", "64"]
    assert main(["train", "--model", "lenet5", *short]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"test_accuracy=0\.\d{4} seconds=\d+\.\d", lines[-1])
    assert "1442 training and 355 test images (every fifth" in lines[0] and "no copies among 1797 images" in lines[1]

    run = str(tmp_path / "checkpoints" / "lenet5-digits")
    other = failing(capsys, "--model", "lenet5_1998", "--run-dir", run, "--resume")
    assert "holds a run of lenet5, not of lenet5_1998" in other
    assert "batch_size 64 (given: 32)" in failing(capsys, "--model", "lenet5", "--resume", "--batch-size", "32")
    assert main(["train", "--model", "lenet5", "--resume"]) == 0
    resumed = capsys.readouterr().out.splitlines()
    assert resumed[-1].split()[0] == lines[-1].split()[0] and "all epochs are done (1): more --epochs" in resumed[-2]
    assert main(["train", "--model", "lenet5", "--resume", "--epochs", "2"]) == 0
    assert "after step 22: epochs 2 (before: 1); the learning rate" in capsys.readouterr().out
    assert [row["epoch"] for row in measured_rows(tmp_path / "checkpoints" / "lenet5-digits")] == [1, 2]


@pytest.mark.slow
def test_a_folder_of_colour_images_trains_any_network(capsys, tmp_path):
    folder = class_folders(tmp_path / "pets", count=12)
    arguments = ["--model", "nin_cifar10", "--dataset", str(folder), "--epochs", "1", "--batch-size", "4"]
    assert main(["train", *arguments]) == 0
    assert (tmp_path / "checkpoints" / "nin_cifar10-pets" / "metrics.jsonl").read_text().count("\n") == 1


@pytest.fixture
def lenet_file(tmp_path):
    """Weights of lenet5 for colour images of 36 pixels and five classes."""
    model = zoo.create_model("lenet5", num_classes=5)
    preprocessing = Preprocessing(
        image_shape=(36, 36, 3), mean=(0.5,) * 3, std=(0.2,) * 3, fit="pad", interpolation="bicubic"
    )
    weights = Weights(
        model="lenet5",
        variables=drawn(model, preprocessing.image_shape),
        preprocessing=preprocessing,
        fields={"num_classes": 5},
    )
    save(tmp_path / "lenet5.safetensors", weights)
    return str(tmp_path / "lenet5.safetensors")


def test_grey_digits_on_a_frozen_colour_network(capsys, tmp_path, lenet_file):
    begin = ["--model", "lenet5", "--pretrained", lenet_file, "--freeze", "backbone"]
    assert main(["train", *begin, "--epochs", "2"]) == 0
    assert "850 trainable and 61,156 frozen parameters" in capsys.readouterr().out
    folder = RunFolder(tmp_path / "checkpoints" / "lenet5-digits")
    config = folder.read_config()
    assert (config.pretrained, config.recipe.freeze, config.recipe.backbone_rate) == (lenet_file, "backbone", 0.1)
    assert config.class_names == tuple("0123456789") and config.fields == {}
    assert config.preprocessing == Preprocessing(
        image_shape=(36, 36, 3), mean=(0.5,) * 3, std=(0.2,) * 3, fit="pad", interpolation="bicubic"
    )
    with open_checkpointer(folder, 1) as checkpointer:
        saved = checkpointer.load_checkpointables(checkpointer.latest.step, {"state": None})["state"]["params"]
    assert saved["output"]["kernel"].shape == (84, 10)
    kernel = load(lenet_file).variables["params"]["c3"]["conv"]["kernel"]
    np.testing.assert_array_equal(saved["c3"]["conv"]["kernel"], kernel)

    (tmp_path / "lenet5.safetensors").unlink()
    capsys.readouterr()
    assert main(["train", *begin, "--resume"]) == 0
    assert main(["train", "--model", "lenet5", "--resume"]) == 0
    assert "freeze backbone (given: none)" in failing(capsys, "--model", "lenet5", "--resume", "--freeze", "none")
    other = failing(capsys, "--model", "lenet5", "--resume", "--pretrained")
    assert f"started from {lenet_file}: omit --pretrained" in other


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--freeze", "conv9"], "freeze is 'conv9', which matches no parameter: the layers are c1, c3, c5, f6, output"),
        (["--freeze", ".*"], "freeze is '.*', which matches the head (output/bias, output/kernel)"),
        (["--freeze", "("], "freeze is '(', which is not a regular expression"),
        (["--backbone-rate", "-1"], "--backbone-rate: '-1' is not a float32 number from 0 to 1000"),
        (["--image-size", "8"], "8x8 images are too small for LeNet5"),
    ],
)
def test_impossible_fine_tuning(capsys, tmp_path, lenet_file, arguments, message):
    assert message in failing(capsys, "--model", "lenet5", "--pretrained", lenet_file, *arguments)
    assert not written(tmp_path)


def test_freezing_random_weights(capsys, tmp_path):
    assert "give --pretrained too" in failing(capsys, "--model", "lenet5", "--freeze", "backbone")
    assert not written(tmp_path)


def test_weights_that_are_missing_or_of_another_network(capsys, tmp_path, lenet_file):
    assert "nowhere" in failing(capsys, "--model", "lenet5", "--pretrained", "nowhere.safetensors")
    line = failing(capsys, "--model", "nin_cifar10", "--pretrained", lenet_file)
    assert "lenet5" in line and "nin_cifar10" in line
    assert not written(tmp_path)


def test_a_network_without_a_head(capsys, tmp_path):
    assert "has no head to replace" in failing(capsys, "--model", "lenet5_1998", "--backbone-rate", "0.1")
    assert not written(tmp_path)


def test_help_reads_well(capsys):
    with pytest.raises(SystemExit) as end:
        main(["train", "--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    flags = ("--model", "--dataset", "--data-dir", "--resume", "--learning-rate", "--no-aux-heads", "--dtype")
    for flag in (*flags, "--pretrained [WEIGHTS]", "--freeze LAYERS", "--backbone-rate X"):
        assert flag in text
    assert "a fifth of each class is for testing" in " ".join(text.split())


@pytest.mark.parametrize(
    ("argv", "start"),
    [
        (["train.py"], "python train.py"),
        (["/site-packages/zoo/__main__.py", "train"], "python -m zoo train"),
        (["/usr/bin/zoo", "train"], "zoo train"),
    ],
)
def test_the_command_that_resumes_is_the_one_that_started(argv, start):
    assert resume_command([*argv, "--dataset", "my photos"]) == f"{start} --dataset 'my photos' --resume"
    assert resume_command([*argv, "--resume"]) == f"{start} --resume"


@pytest.mark.parametrize("name", computed(zoo.list_models("lenet*")))
def test_every_lenet_trains_on_digits(name):
    assert main(["train", "--model", name, "--epochs", "1"]) == 0


def test_a_device_without_memory_is_one_clear_line(capsys, monkeypatch):
    def full(*args, **kwargs):
        raise JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 4294967296 bytes.")

    monkeypatch.setattr("zoo.training.prepare.train_run", full)
    assert "smaller --batch-size" in failing(capsys, "--model", "lenet5")
