"""The embedded default: its values, its split, its preparation."""

import subprocess
import sys

import numpy as np
import pytest
import sklearn.datasets

from zoo.data import DataError, open_dataset
from zoo.data.sources.digits import load_digits


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    open_dataset("digits", folder)
    return folder


def test_embedded_values_are_scikit_learns():
    digits = sklearn.datasets.load_digits()
    images, labels = load_digits()
    np.testing.assert_array_equal(images, np.round(digits.images / 16 * 255))
    np.testing.assert_array_equal(labels, digits.target)


def test_digits_come_back_whole_in_two_stratified_splits(data_dir):
    digits = open_dataset("digits", data_dir)
    assert digits.name == "digits" and digits.image_shape == (8, 8, 1)
    assert digits.class_names == tuple("0123456789")
    assert (len(digits.train), len(digits.test)) == (1442, 355)

    images, labels = load_digits()
    expected = sorted((label, image.tobytes()) for image, label in zip(images, labels, strict=True))
    read = [split[i] for split in (digits.train, digits.test) for i in range(len(split))]
    assert sorted((example["label"], example["image"].tobytes()) for example in read) == expected
    assert read[0]["image"].dtype == np.uint8 and read[0]["image"].shape == (8, 8, 1)

    share = np.bincount(digits.test.labels) / np.bincount(labels)
    assert ((share > 0.19) & (share < 0.21)).all()


def test_only_the_data_set_is_left_behind(data_dir):
    assert [path.name for path in data_dir.iterdir()] == ["digits"]
    assert [path.name for path in (data_dir / "digits").iterdir()] == ["1.0.0"]


def test_preparation_is_quiet_and_two_processes_may_do_it_at_once(tmp_path):
    code = f"import zoo.data; print(len(zoo.data.open_dataset('digits', {str(tmp_path)!r}).train))"
    command = [sys.executable, "-c", code]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, **pipes) for _ in range(2)]
    for process in processes:
        assert process.communicate() == ("1442\n", "")
    assert [path.name for path in tmp_path.iterdir()] == ["digits"]


def test_what_an_interrupted_preparation_left_does_not_matter(tmp_path):
    left = tmp_path / ".preparing-killed" / "digits" / "1.0.0"
    left.mkdir(parents=True)
    (left / "digits-train.array_record-00000-of-00001").write_bytes(b"half")
    (tmp_path / "digits" / "1.0.0").mkdir(parents=True)
    assert len(open_dataset("digits", tmp_path).train) == 1442


def test_the_default_folder_is_tfds_data_dir(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "a"))
    open_dataset("digits")
    assert (tmp_path / "a" / "digits" / "1.0.0" / "dataset_info.json").is_file()
    monkeypatch.setenv("TFDS_DATA_DIR", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    open_dataset("digits")
    assert (tmp_path / "tensorflow_datasets" / "digits" / "1.0.0" / "dataset_info.json").is_file()


def test_a_data_dir_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"^cannot make the data folder .*file/data .*: pass another data_dir.*$"):
        open_dataset("digits", tmp_path / "file" / "data")


def test_a_data_dir_that_cannot_be_written_is_one_line(tmp_path, monkeypatch):
    # The mode would not stop root.
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(DataError, match=r"^cannot write into the data folder .*: pass another data_dir.*$"):
        open_dataset("digits", tmp_path)


@pytest.mark.parametrize("damage", ["dataset_info.json", "digits-train.array_record-00000-of-00001"])
def test_a_damaged_preparation_is_one_line(tmp_path, damage):
    open_dataset("digits", tmp_path)
    path = tmp_path / "digits" / "1.0.0" / damage
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError) as caught:
        open_dataset("digits", tmp_path)
    assert "\n" not in str(caught.value) and str(tmp_path) in str(caught.value)


def test_half_a_data_set_in_place_is_one_line(tmp_path):
    (tmp_path / "digits" / "1.0.0").mkdir(parents=True)
    (tmp_path / "digits" / "1.0.0" / "features.json").write_text("{")
    with pytest.raises(DataError, match=r"1\.0\.0 is not a complete data set: remove it"):
        open_dataset("digits", tmp_path)
