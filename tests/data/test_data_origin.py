"""Where a data set comes from and what is in it."""

import os

import numpy as np
import pytest
from PIL import Image

from zoo.data import DataError, DataOrigin, Dataset, SplitRecord, open_again, open_arrays, open_dataset
from zoo.data.data_changes import as_remembered, data_changes
from zoo.data.dataset import ArraySource
from zoo.data.origin import class_changes, image_changes, split_record
from zoo.runtime.records import InvalidRecord, as_record

NAMES = ("cat", "dog", "eel")


def origin(training, test=(1, 1, 1), order=""):
    splits = (SplitRecord(images=sum(counts), per_class=counts, order=order) for counts in (training, test))
    return DataOrigin(kind="folder", path="/a", **dict(zip(("training", "test"), splits, strict=True)))


def test_the_record_of_a_split():
    labels = np.array([2, 0, 2, 2], np.uint8)
    record = split_record(ArraySource(np.zeros((4, 2, 2, 1), np.uint8), labels), 4)
    assert (record.images, record.per_class) == (4, (1, 0, 3, 0))
    assert record.order == split_record(ArraySource(np.ones((4, 9, 9, 3), np.uint8), labels.astype(int)), 4).order
    assert record.order != split_record(ArraySource(np.zeros((4, 2, 2, 1), np.uint8), labels[::-1]), 4).order
    assert split_record(range(5), 3) == SplitRecord(images=5)  # a source that is not read for it


def test_the_same_labels_of_other_images_in_memory():
    images = np.random.default_rng(0).integers(0, 256, (1000, 2, 2, 1), np.uint8)
    labels = np.arange(1000) % 2
    data = open_arrays((images, labels)).origin
    assert open_arrays((images.copy(), labels.astype(np.int8))).origin == data
    assert "other training images" in image_changes(data, open_arrays((images[::-1], labels)).origin, ("0", "1"))


@pytest.mark.parametrize(
    ("then", "now", "said"),
    [
        (origin((3, 4, 5)), origin((3, 4, 5)), ""),
        (origin((3, 4, 5)), origin((3, 2, 5)), "2 training images of dog (4 then)"),
        (origin((3, 4, 5)), origin((3, 4, 5), (1, 2, 1)), "2 test images of dog (1 then)"),
        (
            origin((3, 4, 5), order="0" * 64),
            origin((3, 4, 5), order="1" * 64),
            "other training images (as many as then)",
        ),
        (DataOrigin(kind="unknown", training=SplitRecord(images=9)), origin((3, 4, 5)), "12 training images (9 then)"),
        (DataOrigin(kind="unknown"), origin((3, 4, 5)), ""),
        (origin((1, 1, 1)), origin((2, 2, 2), (2, 2, 2)), "of eel (1 then) and 3 more"),
    ],
)
def test_what_has_changed(then, now, said):
    changes = image_changes(then, now, NAMES)
    assert said in changes and bool(said) == bool(changes)


def test_a_decoder_that_was_installed_or_is_gone_is_named(tmp_path, monkeypatch):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for index in range(5):
            Image.new("L", (8, 8), index).save(tmp_path / name / f"{index}.png")
    Image.new("L", (8, 8)).save(tmp_path / "dog" / "5.avif")
    with_avif = open_dataset(tmp_path)
    monkeypatch.setattr("zoo.data.optional_formats.features.check", lambda name: False)
    without = open_dataset(tmp_path)
    assert "; 1 AVIF image of them could not be read here then" in data_changes(without.origin, with_avif)
    assert "; files left out: 1 .avif" in data_changes(with_avif.origin, without)
    assert data_changes(without.origin, without) == ""


def test_a_decoder_that_was_installed_since_is_done_without(tmp_path, monkeypatch):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for index in range(9):
            Image.new("L", (8, 8), index).save(tmp_path / name / f"{index}.{'avif' if index % 4 == 1 else 'png'}")
    with_avif = open_dataset(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr("zoo.data.optional_formats.features.check", lambda name: False)
        without = open_dataset(tmp_path)
    assert len(with_avif.train) + len(with_avif.test) == 18 and len(without.train) + len(without.test) == 14
    same = as_remembered(without.origin, with_avif)
    assert same.origin == without.origin and same.train.files == without.train.files
    assert "4 .avif" in same.left_out and "AVIF could not be read when the training started" in same.left_out
    assert as_remembered(with_avif.origin, with_avif) is with_avif
    (tmp_path / "cat" / "0.png").unlink()
    changed = open_dataset(tmp_path)
    assert as_remembered(without.origin, changed) is changed


def test_which_classes_have_changed():
    assert class_changes(NAMES, NAMES) == ""
    assert class_changes(NAMES, ("cat", "eel", "dog")) == "in another order"
    assert class_changes(NAMES, ("cat", "dog", "fox")) == "missing: eel; new: fox"


def test_a_folder_is_found_again_through_any_name(tmp_path, monkeypatch):
    folder = tmp_path / os.fsdecode(b"photos-\xff")
    for label in NAMES:
        (folder / label).mkdir(parents=True)
        for index in range(5):
            Image.new("RGB", (8, 8)).save(folder / label / f"{index}.png")
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    found = open_dataset("link").origin
    assert found.path == str(folder) and found == open_dataset(folder).origin
    (tmp_path / "link").unlink()
    monkeypatch.chdir("/")
    assert open_again(found).origin == found
    assert found.for_others() == DataOrigin(kind="folder")
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="not there any more"):
        open_again(found)
    assert image_changes(found, open_dataset(tmp_path / "elsewhere").origin, NAMES) == ""


def test_a_built_in_set_is_found_again_where_its_folder_is_gone(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    found = open_dataset("digits").origin
    assert (found.kind, found.name, found.path, found.describe()) == ("tfds", "digits", "", "the built-in digits")
    gone = DataOrigin(kind="tfds", name="digits", path=str(tmp_path / "gone"))
    assert open_again(gone).origin == found and sum(found.training.per_class) == 1442
    with pytest.raises(DataError, match="digitz"):
        open_again(DataOrigin(kind="tfds", name="digitz"))


@pytest.mark.parametrize("name", ["../digits", "/etc", "a/..", "a/b/c", "a:b", "a b"])
def test_a_record_names_no_path_where_a_name_is_due(name):
    with pytest.raises(InvalidRecord, match="name"):
        as_record({"kind": "tfds", "name": name}, DataOrigin, "config.json")


def test_data_in_memory_have_no_place():
    source = ArraySource(np.zeros((2, 4, 4, 1), np.uint8), np.array([0, 1]))
    assert Dataset("mine", source, source, ("a", "b"), (4, 4, 1)).origin.describe() == "data in memory"
