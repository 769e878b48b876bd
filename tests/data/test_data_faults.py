"""Folders as people have them. Right is what torchvision's ImageFolder or PIL does with them."""

import os
import resource
import sys
import time

import numpy as np
import pytest
from PIL import Image

from zoo.data import DataError, UnreadableImages, fit_image, open_dataset
from zoo.data.image_shape import typical_shape
from zoo.data.sources.image_tree import list_tree, natural_key, natural_order
from zoo.data.sources.splits import split_kind
from zoo.data.unreadable import readable_indices
from zoo.training.resolve_config import resolve_config


def write(path, size=(20, 20), mode="RGB", value=90):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value if mode == "L" else (200, 30, 30)).save(path)


def classes(folder, names, count=5, **image):
    for name in names:
        for i in range(count):
            write(folder / name / f"{i}.png", **image)


def image_count(folder):
    dataset = open_dataset(folder)
    return len(dataset.train) + len(dataset.test)


def test_linked_classes(tmp_path):
    classes(tmp_path / "real", "ab")
    (tmp_path / "links").mkdir()
    for name in "ab":
        (tmp_path / "links" / name).symlink_to(tmp_path / "real" / name)
    assert image_count(tmp_path / "links") == 10
    # The folder itself, its splits, and single files may be links as well.
    (tmp_path / "link").symlink_to(tmp_path / "links")
    assert image_count(tmp_path / "link") == 10
    (tmp_path / "splits").mkdir()
    for name in ("train", "val"):
        (tmp_path / "splits" / name).symlink_to(tmp_path / "real")
    assert image_count(tmp_path / "splits") == 20
    for name in "ab":
        for i in range(5):
            write(tmp_path / "files" / name / "own.png")
            (tmp_path / "files" / name / f"{i}.png").symlink_to(tmp_path / "real" / name / f"{i}.png")
    assert image_count(tmp_path / "files") == 12


def test_links_beside_images(tmp_path):
    classes(tmp_path / "real", "ab")
    classes(tmp_path / "mixed", "ab", 2)
    for name in "ab":
        (tmp_path / "mixed" / name / "more").symlink_to(tmp_path / "real" / name)
    assert image_count(tmp_path / "mixed") == 14
    assert len(natural_order(list_tree(tmp_path / "mixed"))) == 14


@pytest.mark.parametrize("target", [".", "..", "loop", "other"])
def test_a_loop_of_links_is_one_line(tmp_path, target):
    classes(tmp_path / "set", "ab")
    (tmp_path / "set" / "a" / "loop").symlink_to(target)
    (tmp_path / "set" / "a" / "other").symlink_to("loop")
    with pytest.raises(DataError, match=r"set/a/(loop|other)") as caught:
        open_dataset(tmp_path / "set")
    assert "\n" not in str(caught.value)


def test_a_link_to_a_folder_above_is_not_listed(tmp_path):
    classes(tmp_path / "set", "ab")
    classes(tmp_path / "other" / "deep", "c")
    (tmp_path / "set" / "a" / "up").symlink_to(tmp_path)
    with pytest.raises(DataError, match=r"set/a/up is a link to a folder that holds it"):
        open_dataset(tmp_path / "set")


def test_a_class_folder_that_is_a_broken_link_is_counted(tmp_path):
    classes(tmp_path, "ab")
    (tmp_path / "c").symlink_to(tmp_path / "nowhere")
    assert open_dataset(tmp_path).left_out == "files left out: 1 broken link (c)"


def test_a_pipe_is_not_waited_for(tmp_path):
    classes(tmp_path, "ab")
    os.mkfifo(tmp_path / "a" / "pipe.png")
    assert image_count(tmp_path) == 10


def test_circled_digits(tmp_path):
    classes(tmp_path / "circled", "①②")
    assert open_dataset(tmp_path / "circled").class_names == ("①", "②")


def test_names_with_digits_of_any_script_have_one_order():
    nine, ten = "\u0669", "\u0661\u0660"  # Arabic digits
    names = ["10", "9", ten, nine, "a²", "a10", "a9", "1.5", "1.25", "①", "x", "01", "1"]
    ordered = sorted(names, key=natural_key)
    assert sorted(names[5:] + names[:5], key=natural_key) == ordered
    assert [name for name in ordered if name.isdecimal()] == ["01", "1", "9", nine, "10", ten]
    assert ordered.index("a9") < ordered.index("a10") and ordered.index("1.5") < ordered.index("1.25")


def test_one_grey_thumbnail(tmp_path):
    for split in ("train", "test"):
        classes(tmp_path / "colour" / split, "ab", 8, size=(300, 300))
    write(tmp_path / "colour" / "train" / "a" / "-.png", mode="L")
    config = resolve_config("resnet18", open_dataset(tmp_path / "colour"), {"batch_size": 4})
    assert config.preprocessing.image_shape == (224, 224, 3)


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ([(20, 20, 1)] + [(300, 400, 3)] * 31, (300, 400, 3)),
        ([(4000, 6000, 3)] + [(28, 28, 1)] * 31, (28, 28, 1)),
        ([(28, 28, 1)] * 31 + [(28, 28, 3)], (28, 28, 1)),
        ([(28, 28, 1)] * 20 + [(28, 28, 3)] * 12, (28, 28, 3)),
        ([None] + [(300, 400, 3)] * 3, (300, 400, 3)),
        ([(8, 9, 1)], (8, 9, 1)),
        ([(8, 9, 3)], (8, 9, 3)),
        ([(10, 10, 1)] * 5000 + [(99, 99, 3)] * 5001, (99, 99, 3)),
    ],
)
def test_the_shape_of_a_data_set_is_that_of_most_of_its_images(shapes, expected):
    asked = []

    def shape_of(index):
        asked.append(index)
        if shapes[index] is None:
            raise DataError("cannot read it")
        return shapes[index]

    assert typical_shape(shape_of, len(shapes)) == expected
    assert len(set(asked)) == len(asked) <= 64


def test_the_shape_of_photographs_is_that_after_turning_them_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in "ab":
        for i, suffix in enumerate(["jpg", "png", "webp", "tif"]):
            (tmp_path / name).mkdir(exist_ok=True)
            Image.new("RGB", (30, 20)).save(tmp_path / name / f"{i}.{suffix}", exif=exif)
    data = open_dataset(tmp_path)
    assert data.image_shape == (30, 20, 3)
    assert all(data.train[i]["image"].shape == data.train.image_shape(i) == (30, 20, 3) for i in range(6))


def test_capital_splits(tmp_path):
    for split in ("Training", "Testing"):
        classes(tmp_path / "mri" / split, ("glioma", "healthy"), 4)
    data = open_dataset(tmp_path / "mri")
    assert data.class_names == ("glioma", "healthy") and (len(data.train), len(data.test)) == (8, 8)


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("TRAIN", "Val"),
        ("train", "valid"),
        ("training_set", "test_set"),
        ("train2017", "val2017"),
        ("TrainVal", "Test"),
        ("train_val", "test"),
        ("TrainSet", "DevSet"),
        ("train_images", "test images"),
        ("traindata", "evaluation"),
        ("seg_train", "seg_test"),
        ("ILSVRC2012_img_train", "ILSVRC2012_img_val"),
        ("01-Training", "02-Validation"),
    ],
)
def test_spellings_of_splits_are_understood(tmp_path, train, test):
    classes(tmp_path / train, "ab", 2)
    classes(tmp_path / test, "ab", 1)
    data = open_dataset(tmp_path)
    assert data.class_names == ("a", "b") and (len(data.train), len(data.test)) == (4, 2)


def test_a_split_that_is_not_used_is_named(tmp_path):
    for split in ("Train", "Val", "Test"):
        classes(tmp_path / split, "ab", 2)
    data = open_dataset(tmp_path)
    assert data.split == "the folders Train and Test"
    assert data.left_out == "files left out: 4 images outside of the class folders that are used (in Val)"


@pytest.mark.parametrize("name", ["cat", "strain", "testudo", "latest", "devil", "evaluator's cat", "valley", "images"])
def test_other_names_are_no_splits(name):
    assert split_kind(name) is None


@pytest.mark.parametrize(
    ("folders", "named"),
    [
        # A split without its counterpart.
        (["Training/a", "Training/b"], ["Training", "test"]),
        (["test/a", "test/b"], ["test", "train"]),
        (["Validation/a", "Validation/b", "test/a", "test/b"], ["Validation", "train"]),
        (["a", "b", "test/a", "test/b"], ["test", "train"]),
        # Splits without class folders.
        (["train", "test"], ["train", "test", "class folders"]),
        (["TRAIN", "Dev"], ["TRAIN", "Dev"]),
        (["val", "test"], ["val", "test"]),
        (["train/a", "train/b", "test"], ["train", "test"]),
        # One split twice.
        (["train/a", "train/b", "Train/a", "Train/b", "val/a", "val/b"], ["train", "Train"]),
        (["train/a", "train/b", "val/a", "val/b", "valid/a", "valid/b"], ["val", "valid"]),
        (["cats_train/a", "cats_test/a", "dogs_train/a", "dogs_test/a"], ["cats_train", "dogs_test"]),
        # A split's name within a longer word.
        (["Trainingsdaten/a", "Trainingsdaten/b", "Testdaten/a", "Testdaten/b"], ["Trainingsdaten", "Testdaten"]),
        (["Xtrain/a", "Xtrain/b", "Xval/a", "Xval/b"], ["Xtrain", "Xval"]),
        # Splits below the classes, or below one folder.
        (["cat/train", "cat/test", "dog/train", "dog/test"], ["cat"]),
        (["fold1/train/a", "fold1/val/a", "fold2/train/a", "fold2/val/a"], ["fold1"]),
        (["archive/train/a", "archive/train/b", "archive/test/a", "archive/test/b"], ["archive"]),
        (["train/train/a", "train/train/b", "test/test/a", "test/test/b"], ["train/train"]),
    ],
)
def test_splits_that_are_not_understood_are_refused_and_never_taken_for_classes(tmp_path, folders, named):
    for folder in folders:
        classes(tmp_path, [folder], 2)
    with pytest.raises(DataError) as caught:
        open_dataset(tmp_path)
    assert all(name in str(caught.value) for name in named) and "\n" not in str(caught.value)


def test_a_folder_of_class_folders_beside_others_is_named(tmp_path):
    classes(tmp_path / "Images", "ab")
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "Annotations" / "a.xml").write_text("")
    with pytest.raises(DataError, match=rf"pass {tmp_path}/Images$"):
        open_dataset(tmp_path)
    assert image_count(tmp_path / "Images") == 10


@pytest.mark.parametrize("names", [("test", "control"), ("valid", "invalid"), ("bus", "train"), ("dev", "prod")])
def test_a_class_may_have_the_name_of_a_split(tmp_path, names):
    classes(tmp_path, names, 2)
    assert open_dataset(tmp_path).class_names == tuple(sorted(names))


def test_images_beside_the_classes_of_a_split_do_not_make_it_a_class(tmp_path):
    for split in ("train", "test"):
        classes(tmp_path / split, "ab", 2)
        write(tmp_path / split / "overview.png")
    data = open_dataset(tmp_path)
    assert data.class_names == ("a", "b") and (len(data.train), len(data.test)) == (4, 4)
    assert "2 images" in data.left_out


def test_files_that_are_left_out_are_counted_in_one_line(tmp_path):
    classes(tmp_path, "ab", 3)
    assert open_dataset(tmp_path).left_out == ""
    for name in ("a/x.mov", "a/y.MOV", "b/notes.txt", "README", "b/n.safetensors", "b/o.safetensors"):
        (tmp_path / name).write_text("")
    for name in ("a/._0.png", "a/Thumbs.db", ".DS_Store", "__MACOSX/a/0.png", "@eaDir/0.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    write(tmp_path / "cover.jpg")
    data = open_dataset(tmp_path)
    assert data.class_names == ("a", "b") and len(data.train) + len(data.test) == 6
    line = data.left_out
    assert all(part in line for part in ("2 .mov", "2 .safetensors", "1 .txt", "1 without suffix", "1 image outside"))
    assert "\n" not in line and "png" not in line and "db" not in line


def test_names_of_any_bytes_can_be_printed(tmp_path):
    classes(tmp_path, "ab", 3)
    (tmp_path / "a" / "2.png").rename(tmp_path / "a" / os.fsdecode(b"\xff.png"))
    (tmp_path / "a" / os.fsdecode(b"\xff.png")).write_bytes(b"")
    for name in (b"x.\xff", b"Dr. Smith, notes", b"trailing."):
        (tmp_path / "b" / os.fsdecode(name)).write_bytes(b"")
    data, unreadable = open_dataset(tmp_path), UnreadableImages(1)
    assert data.left_out == "files left out: 3 without suffix (b/Dr. Smith, notes and others)"
    for source in (data.train, data.test):
        readable_indices(source, unreadable)
    assert unreadable.count == 1 and unreadable.describe().encode()


def test_a_folder_of_other_files_says_so(tmp_path):
    for name in ("a/0.mov", "b/0.mov"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    with pytest.raises(DataError, match=r"2 \.mov"):
        open_dataset(tmp_path)


@pytest.mark.parametrize("suffix", [".jfif", ".avif", ".JPEG", ".tif", ".webp", ".bmp", ".gif", ".jpe", ".TIFF"])
def test_suffixes_of_images(tmp_path, suffix):
    kind = {".jfif": "jpeg", ".jpe": "jpeg"}.get(suffix)
    for name in "ab":
        for i in range(2):
            (tmp_path / name).mkdir(exist_ok=True)
            Image.new("RGB", (9, 7)).save(tmp_path / name / f"{i}{suffix}", format=kind)
    data = open_dataset(tmp_path)
    assert len(data.train) == 2 and data.train[0]["image"].shape == (7, 9, 3) and not data.left_out


def test_thin_image():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for shape in ((1, 6000, 3), (6000, 1, 1), (2, 9000, 3)):
        for fit in ("resize", "pad"):
            assert fit_image(np.zeros(shape, np.uint8), (224, 224, 3), fit).shape == (224, 224, 3)
    # macOS counts bytes, Linux KiB.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000 * (
        1024 if sys.platform == "darwin" else 1
    )


@pytest.mark.parametrize(("height", "width"), [(9, 400), (400, 9), (7, 300)])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_an_image_far_from_square_is_the_centre_of_the_whole_one_scaled(height, width, interpolation):
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    short = min(height, width)
    rows, columns = height * 16 // short, width * 16 // short
    whole = Image.fromarray(image).resize((columns, rows), Image.Resampling[interpolation.upper()])
    top, left = round((rows - 16) / 2), round((columns - 16) / 2)
    expected = np.asarray(whole)[top : top + 16, left : left + 16]
    fitted = fit_image(image, (16, 16, 3), interpolation=interpolation)
    assert np.abs(fitted.astype(int) - expected).max() <= 1


def test_many_files(tmp_path):
    write(tmp_path / "one.jpg", size=(500, 375))
    for i in range(20):
        folder = tmp_path / "many" / f"class{i}"
        folder.mkdir(parents=True)
        for k in range(1000):
            os.link(tmp_path / "one.jpg", folder / f"{k}.jpg")
    began = time.perf_counter()
    listed = sum(len(files) for _, _, files in os.walk(tmp_path / "many"))
    listing = time.perf_counter() - began
    began = time.perf_counter()
    data = open_dataset(tmp_path / "many")
    opening = time.perf_counter() - began
    assert listed == len(data.train) + len(data.test) == 20_000 and opening < 10 * listing + 0.5


def test_opening_reads_a_bounded_number_of_files(tmp_path, monkeypatch):
    classes(tmp_path, "abcd", 60)
    opened, real = [], Image.open
    monkeypatch.setattr(Image, "open", lambda file, **options: opened.append(file) or real(file, **options))
    open_dataset(tmp_path)
    assert len(opened) <= 64


def test_a_class_name_that_is_no_text_is_shown_escaped(tmp_path):
    classes(tmp_path, "abc", 2)
    (tmp_path / "b").rename(tmp_path / os.fsdecode(b"b\xff"))
    (tmp_path / "c").rename(tmp_path / "c\x1b[31m\n\u202e")
    dataset = open_dataset(tmp_path)
    assert dataset.class_names == ("a", r"b\udcff", r"c\x1b[31m\n\u202e")
    assert [dataset.train[index]["label"] for index in range(3)] == [0, 1, 2]
