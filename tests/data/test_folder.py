"""Folders with one sub-folder per class."""

import unicodedata

import msgspec
import numpy as np
import pytest
from PIL import Image

from zoo.data import DataError, image_limits, open_dataset
from zoo.data.dataset import path_safe
from zoo.weights.metadata import DatasetName


def write(path, value=0, size=(6, 4), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value if mode == "L" else (value, value, value)).save(path)


@pytest.fixture
def plain(tmp_path):
    # The pixel value says which class, the width which image.
    for value, name in enumerate(["9", "10", "dog"]):
        for i in range(10):
            write(tmp_path / "pets" / name / f"{i}.png", value, (6 + i, 4))
    return tmp_path / "pets"


def paths(source):
    return set(source.files)


def found(data, file):
    source = data.train if file in data.train.files else data.test
    return source, source.files.index(file)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("動物", "動物"),
        ("mes été", "mes-e\u0301te\u0301"),
        ("a b/..c", None),
        ("--", "data"),
        ("x" * 150 + "é" * 150, None),
    ],
)
def test_a_data_set_has_the_name_of_its_folder_in_any_script(folder, name):
    safe = path_safe(folder)
    if name:
        assert safe == unicodedata.normalize("NFC", name)
    assert len(safe.encode()) <= 200 and "/" not in safe and not safe.startswith((".", "-"))
    assert msgspec.convert(safe, DatasetName) == safe


def test_plain_class_folders_are_split_four_to_one_class_by_class(plain):
    data = open_dataset(plain)
    assert data.name == "pets" and data.class_names == ("9", "10", "dog") and data.image_shape[2] == 3
    assert (len(data.train), len(data.test)) == (24, 6)
    assert np.bincount(data.train.labels).tolist() == [8, 8, 8]
    assert paths(data.train).isdisjoint(paths(data.test)) and len(paths(data.train) | paths(data.test)) == 30
    for source in (data.train, data.test):
        assert all((source[i]["image"] == source[i]["label"]).all() for i in range(len(source)))
    assert data.image_shape == (4, 11, 3) and data.train[0]["image"].dtype == np.uint8


def test_the_split_does_not_depend_on_where_the_folder_is(plain, tmp_path):
    before = paths(open_dataset(plain).test)
    moved = plain.rename(tmp_path / "moved")
    assert paths(open_dataset(moved).test) == before


@pytest.mark.parametrize("test_name", ["test", "val", "validation"])
def test_given_splits_are_kept(tmp_path, test_name):
    for split, count in (("train", 3), (test_name, 2)):
        for name in ("a", "b"):
            for i in range(count):
                write(tmp_path / split / name / f"{i}.PNG")
    data = open_dataset(str(tmp_path))
    assert (len(data.train), len(data.test)) == (6, 4)


def test_a_class_may_be_named_train(tmp_path):
    for name in ("bus", "train"):
        for i in range(2):
            write(tmp_path / name / f"{i}.png")
    assert open_dataset(tmp_path).class_names == ("bus", "train")


def test_hidden_and_other_files_are_skipped_and_deeper_ones_found(plain):
    (plain / ".cache").mkdir()
    (plain / "dog" / ".hidden.png").write_text("no image")
    (plain / "dog" / "notes.txt").write_text("no image")
    write(plain / "dog" / "more" / "deep.jpg")
    data = open_dataset(plain)
    assert len(data.train) + len(data.test) == 31


def test_images_of_different_modes_and_sizes_are_read(tmp_path):
    write(tmp_path / "a" / "0.png", 7, mode="L")
    write(tmp_path / "a" / "1.jpg")
    write(tmp_path / "b" / "0.gif")
    write(tmp_path / "b" / "1.tiff", 7, (3, 3), mode="L")
    data = open_dataset(tmp_path)
    shapes = [source[i]["image"].shape[2] for source in (data.train, data.test) for i in range(len(source))]
    assert set(shapes) == {1, 3}


@pytest.mark.parametrize("damage", ["truncated", "text", "empty"])
def test_a_corrupt_image_is_named_when_it_is_read(plain, damage):
    path = plain / "dog" / "3.png"
    write(path, 3, (400, 400))
    whole = path.read_bytes()
    path.write_bytes({"truncated": whole[: len(whole) // 2], "text": b"no image", "empty": b""}[damage])
    source, index = found(open_dataset(plain), "dog/3.png")
    with pytest.raises(DataError, match=r"cannot read the image .*/dog/3\.png \(.*\)") as caught:
        source[index]
    assert "\n" not in str(caught.value)


def test_a_decompression_bomb_is_named(plain, monkeypatch):
    write(plain / "dog" / "bomb.png", 0, (100, 100))
    source, index = found(open_dataset(plain), "dog/bomb.png")
    monkeypatch.setattr(image_limits, "MAX_PIXELS", 9000)
    with pytest.raises(DataError, match=r"bomb\.png \(100 x 100 pixels are more than 9,000\)"):
        source[index]


def test_a_broken_link_is_named(plain):
    (plain / "dog" / "link.png").symlink_to(plain / "nowhere.png")
    source, index = found(open_dataset(plain), "dog/link.png")
    with pytest.raises(DataError, match=r"link\.png"):
        source[index]


def test_a_folder_without_a_readable_image_is_an_error(plain):
    for path in plain.rglob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match=r"cannot read the image .*/9/"):
        open_dataset(plain)


def test_a_single_image_of_a_class_is_for_training_as_in_shards(tmp_path):
    for path in ("a/0.png", "a/1.png", "b/0.png"):
        write(tmp_path / path)
    data = open_dataset(tmp_path)
    assert data.class_names == ("a", "b") and "b/0.png" in data.train.files
    assert [len(data.train), len(data.test)] == [2, 1]


def test_classes_that_differ_are_listed(tmp_path):
    for path in ("train/a", "train/b", "train/c", "val/a", "val/b", "val/z"):
        write(tmp_path / path / "0.png")
    with pytest.raises(DataError, match=r"only .*/train has c; only .*/val has z"):
        open_dataset(tmp_path)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], r"holds no images, IDX files or shards"),
        (["0.png", "1.png"], r"has 0 class folders"),
        (["a/0.png", "a/1.png"], r"has 1 class folders"),
        (["a/0.png", "b/0.png"], r"has one image per class"),
        (["a/0.png", "a/1.png", "b/x.txt"], r"the class folder .*/b holds no images"),
        (["train/a/0.png", "train/b/0.png"], r"has train but no test, val or validation"),
    ],
)
def test_a_folder_that_is_no_data_set_is_one_line(tmp_path, files, message):
    for name in files:
        path = tmp_path / name
        if path.suffix == ".png":
            write(path)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
    with pytest.raises(DataError, match=message) as caught:
        open_dataset(tmp_path)
    assert "\n" not in str(caught.value)
