"""A path that does not exist: what was probably meant."""

import pytest

from zoo.runtime.similar_paths import similar_paths
from zoo.runtime.system_errors import reason


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("photos/train/cat.jpg", "photos/train/dog.jpg", "runs/lenet5-digits/config.json", "model.safetensors"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("modle.safetensors", "model.safetensors"),
        ("MODEL.safetensors", "model.safetensors"),
        ("phtos", "photos"),
        ("photos/trian", "photos/train"),
        ("phtos/train/cat.jpg", "photos/train/cat.jpg"),
        ("runs/lenet-digits/config.json", "runs/lenet5-digits/config.json"),
        # The ends of names say nothing.
        ("photos/train/fox.jpg", ""),
        # It exists, and so is not what was meant.
        ("photos", ""),
        # What is meant does not exist either.
        ("phtos/test", ""),
        ("photos/train/cat.jpg/x", ""),
        ("", ""),
        ("a\0b", ""),
        ("/no-such-folder/at/all", ""),
    ],
)
def test_what_was_meant(path, meant):
    assert similar_paths(path) == (f"; did you mean {meant}?" if meant else "")


def test_an_error_of_the_system_says_it(folder):
    with pytest.raises(FileNotFoundError) as error:
        (folder / "photos" / "train" / "cta.jpg").open()
    assert reason(error.value) == f"No such file or directory; did you mean {folder}/photos/train/cat.jpg?"
    with pytest.raises(FileNotFoundError) as error:
        (folder / "else.txt").open()
    assert reason(error.value) == "No such file or directory; check the path"
