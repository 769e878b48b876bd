"""python -m zoo predict, on a small weights file of random values and on a short run."""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import error_of
from PIL import Image
from quick import drawn

import zoo
from zoo.__main__ import main
from zoo.data import Preprocessing, read_image
from zoo.inference.prediction import predict
from zoo.weights import Weights, load, save

PREPROCESSING = Preprocessing(image_shape=(16, 16, 1), mean=(0.4,), std=(0.2,))


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "pets.safetensors"
    variables = drawn(zoo.create_model("lenet5", num_classes=3), PREPROCESSING.image_shape)
    names = ("cat", "dog", "Große Fledermaus")
    fields = {"num_classes": 3}
    save(
        path,
        Weights(model="lenet5", variables=variables, preprocessing=PREPROCESSING, fields=fields, class_names=names),
    )
    return str(path)


@pytest.fixture(autouse=True)
def photos(tmp_path, monkeypatch):
    """The current directory, with images of several sizes."""
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    for name in ("2.png", "10.png", "1.PNG", "more/a.bmp"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (30, 20 + len(name), 3), np.uint8)).save(path)
    (tmp_path / "photos" / "notes.txt").write_text("no image")
    return tmp_path / "photos"


def lines_of(capsys, *arguments):
    """The objects of a --json run."""
    assert main(["predict", *arguments, "--json"]) == 0
    captured = capsys.readouterr()
    assert re.fullmatch(r"(zoo: weights: [^\n]*\n)?", captured.err)
    return [json.loads(line) for line in captured.out.splitlines()]


def test_text_for_people(capsys, weights_file):
    assert main(["predict", "photos/2.png", "photos/10.png", "--weights", weights_file, "--top", "2"]) == 0
    first, second = capsys.readouterr().out.split("\n\n")
    for text, path in ((first, "photos/2.png"), (second, "photos/10.png")):
        heading, *rows = text.splitlines()
        assert heading == path and len(rows) == 2
        assert all(re.fullmatch(r"  [01]\.\d{3}  (cat|dog|Große Fledermaus)", row) for row in rows)


def test_the_weights_that_were_used_are_named(capsys, weights_file):
    assert main(["predict", "photos/2.png", "--weights", weights_file]) == 0
    digest = hashlib.sha256(Path(weights_file).read_bytes()).hexdigest()
    assert capsys.readouterr().err == f"zoo: weights: {weights_file} (SHA-256 {digest[:12]})\n"


def test_json_has_what_the_library_says(capsys, weights_file):
    (line,) = lines_of(capsys, "photos/2.png", "--weights", weights_file)
    (expected,) = predict(load(weights_file), [read_image("photos/2.png")])
    assert line["path"] == "photos/2.png"
    assert [one["class"] for one in line["predictions"]] == [one.class_name for one in expected]
    assert [one["index"] for one in line["predictions"]] == [one.index for one in expected]
    np.testing.assert_allclose(
        [one["probability"] for one in line["predictions"]], [one.probability for one in expected], rtol=1e-5
    )


def test_a_folder_is_searched_in_natural_order(capsys, weights_file, photos):
    (photos / "notes.txt").unlink()
    lines = lines_of(capsys, "photos", "--weights", weights_file, "--batch-size", "3")
    names = ["1.PNG", "2.png", "10.png", "more/a.bmp"]
    assert [line["path"] for line in lines] == [f"photos/{name}" for name in names]
    for line in lines:
        (alone,) = lines_of(capsys, line["path"], "--weights", weights_file)
        assert [one["class"] for one in alone["predictions"]] == [one["class"] for one in line["predictions"]]


def test_standard_input(capsys, weights_file, photos, monkeypatch):
    encoded = (photos / "2.png").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(encoded)))
    (piped,) = lines_of(capsys, "-", "--weights", weights_file)
    (named,) = lines_of(capsys, "photos/2.png", "--weights", weights_file)
    assert piped == {**named, "path": "-"}


def test_endless_standard_input(capsys, weights_file, monkeypatch):
    monkeypatch.setattr("zoo.data.image_limits.MAX_FILE_SIZE", 10**6)
    with Path("/dev/zero").open(encoding="latin-1") as endless:
        monkeypatch.setattr(sys, "stdin", endless)
        assert "more than 1 MB" in error_of(capsys, "predict", "-", "--weights", weights_file)


def test_a_model_with_its_weights(capsys, weights_file):
    alone = lines_of(capsys, "photos/2.png", "--weights", weights_file)
    assert lines_of(capsys, "photos/2.png", "--model", "lenet5", "--weights", weights_file) == alone


def test_a_run_folder_needs_nothing_else(capsys, short_run):
    lines = lines_of(capsys, str(short_run.data / "lower left"), "--checkpoint", str(short_run.folder))
    names = {"upper left", "upper right", "lower left"}
    assert all({one["class"] for one in line["predictions"]} == names for line in lines)
    best = [line["predictions"][0]["class"] for line in lines]
    assert best.count("lower left") > len(best) / 2


def test_images_that_cannot_be_read_are_named_and_the_others_predicted(capsys, weights_file, photos):
    (photos / "10.png").write_bytes((photos / "2.png").read_bytes()[:300])
    arguments = ["photos", "photos/notes.txt", "photos/none.png", "photos/2.png", "--weights", weights_file, "--json"]
    assert main(["predict", *arguments, "--batch-size", "2"]) == 2
    out, err = capsys.readouterr()
    shown = [json.loads(line)["path"] for line in out.splitlines()]
    assert shown == ["photos/1.PNG", "photos/2.png", "photos/more/a.bmp", "photos/2.png"]
    # Missing files are known before the weights are read.
    left_out, missing, truncated, text = (line for line in err.splitlines() if "zoo: weights: " not in line)
    assert "photos: files left out: 1 .txt (notes.txt)" in left_out
    assert "photos/10.png" in truncated
    assert "photos/notes.txt" in text and "not an image" in text
    assert "photos/none.png" in missing and "No such file or directory" in missing


def test_a_pipe_is_refused_before_weights_are_fetched(capsys, tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    assert "it is a pipe" in error_of(capsys, "predict", str(tmp_path / "pipe.png"), "--weights", "none.safetensors")


def test_only_images_that_cannot_be_read(capsys, weights_file, monkeypatch):
    assert "photos/notes.txt" in error_of(capsys, "predict", "photos/notes.txt", "--weights", weights_file)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    error = error_of(capsys, "predict", "-", "--weights", weights_file)
    assert "standard input" in error and "not an image" in error


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "--model, --weights or --checkpoint"),
        (["--checkpoint", "no_run", "--weights", "w.safetensors"], "leave out --weights"),
        (["--checkpoint", "no_run"], "no_run"),
        (["--model", "lenett5"], "'lenett5'; did you mean lenet5"),
        (["--weights", "imagenet"], "imagenet: a tag of published weights needs --model"),
        (["--weights", "photos/2.png"], "photos/2.png"),
    ],
)
def test_bad_input_is_one_line(capsys, arguments, named):
    assert named in error_of(capsys, "predict", "photos/2.png", *arguments)


@pytest.mark.parametrize("file", ["config.json", "metrics.jsonl"])
def test_a_file_of_a_run_is_not_its_folder(capsys, short_run, tmp_path, file):
    given = short_run.folder / file
    error = error_of(capsys, "predict", str(tmp_path / "photos/2.png"), "--checkpoint", str(given))
    assert str(given) in error and f"its folder, {short_run.folder}" in error


def test_a_damaged_checkpoint_is_one_line_and_no_log(short_run, tmp_path):
    shutil.copytree(short_run.folder, tmp_path / "run")
    for arrays in (tmp_path / "run" / "steps").glob("*/state/d"):
        shutil.rmtree(arrays)
    command = [
        sys.executable,
        "-m",
        "zoo",
        "predict",
        str(tmp_path / "photos/2.png"),
        "--checkpoint",
        str(tmp_path / "run"),
    ]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "rename that folder to use another step" in done.stderr


def test_a_folder_without_images(capsys, weights_file, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "folder empty" in error_of(capsys, "predict", "empty", "--weights", weights_file)


@pytest.mark.parametrize("given", ["0", "-1", "2.5", "abc", "²"])
@pytest.mark.parametrize("option", ["--top", "--batch-size"])
def test_numbers_are_at_least_one(capsys, option, given):
    error = error_of(capsys, "predict", "photos", "--model", "lenet5", f"{option}={given}")
    assert f"{option}: {given!r} is not a whole number from 1 to " in error


def test_folded_and_in_bfloat16_the_probabilities_are_close(capsys, tmp_path, monkeypatch):
    variables = drawn(zoo.create_model("resnet18", num_classes=3), (32, 32, 1))
    preprocessing = Preprocessing(image_shape=(32, 32, 1), mean=(0.4,), std=(0.2,))
    path = str(tmp_path / "resnet18.safetensors")
    save(path, Weights(model="resnet18", variables=variables, preprocessing=preprocessing, fields={"num_classes": 3}))
    dtypes = []
    create = zoo.create_model
    monkeypatch.setattr(
        "zoo.weights.files.create_model",
        lambda *given, **fields: dtypes.append(str(fields.get("dtype"))) or create(*given, **fields),
    )
    plain, faster = (
        {
            one["index"]: one["probability"]
            for one in lines_of(capsys, "photos/2.png", "--weights", path, *flags)[0]["predictions"]
        }
        for flags in ((), ("--fold", "--dtype", "bfloat16"))
    )
    assert dtypes[-1] == "bfloat16"
    np.testing.assert_allclose([faster[index] for index in plain], list(plain.values()), atol=0.05)


def test_nothing_to_fold_is_one_clear_line(capsys, weights_file):
    message = error_of(capsys, "predict", "photos/2.png", "--weights", weights_file, "--fold")
    assert "lenet5" in message and "batch norm" in message
