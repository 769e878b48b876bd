"""What is found in a data set before it is trained on: counts, sizes, unreadable images, copies."""

import dataclasses
import math
import shutil

import numpy as np
import pytest
from PIL import Image

from zoo.data import Dataset, open_dataset
from zoo.data.dataset import ArraySource
from zoo.data.inspection.copies import find_copies
from zoo.data.inspection.lines import describe_looked_at, two_lines
from zoo.data.inspection.survey import BRIEF, COMPLETE, USUAL, Effort, survey

RNG = np.random.default_rng(0)


def noise(path, size=(40, 30), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = RNG.integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)
    return path


@pytest.fixture
def photos(tmp_path):
    """Splits of their own: 8 and 2 training images of two classes, and a test image of each."""
    folder = tmp_path / "photos"
    for index in range(8):
        noise(folder / "Train" / "cat" / f"{index}.jpg", (40 + index, 30))
    for index in range(2):
        noise(folder / "Train" / "dog" / f"{index}.png", (20, 10), "L")
    for name in ("cat", "dog"):
        noise(folder / "Val" / name / "0.jpg", (400, 300))
    return folder


def source(images, labels):
    return ArraySource(np.asarray(images, np.uint8), np.asarray(labels))


def arrays(train, test, classes=2):
    return Dataset("arrays", train, test, tuple(map(str, range(classes))), (2, 2, 1))


def test_counts_sizes_and_channels(photos):
    found = survey(open_dataset(photos))
    assert (found.training, found.test, found.split) == (10, 2, "the folders Train and Val")
    assert [(row.name, row.training, row.test) for row in found.classes] == [("cat", 8, 1), ("dog", 2, 1)]
    assert found.imbalance == 4
    looked = found.looked_at
    assert (looked.images, looked.grey, looked.colour, looked.unreadable) == (12, 2, 10, ())
    assert (looked.smallest, looked.median, looked.largest) == ((10, 20), (30, 44), (300, 400))
    assert (found.compared, found.copies) == (12, ())
    assert repr(found) == (
        "Survey(photos: 10 training and 2 test images, 2 classes, 0 of 12 unreadable, 0 of 12 with copies)"
    )


def test_an_image_that_is_damaged_behind_its_header_is_found_by_decoding(photos):
    path = photos / "Train" / "cat" / "3.jpg"
    path.write_bytes(path.read_bytes()[:-200])
    assert not survey(open_dataset(photos), BRIEF).looked_at.unreadable
    found = survey(open_dataset(photos))
    (image,) = found.looked_at.unreadable
    assert describe_looked_at(found).startswith("11 of 12")
    assert image.name == "Train/cat/3.jpg" and "truncated" in image.error


def test_copies_are_found_by_content_within_and_across_splits_and_classes(photos):
    shutil.copy(photos / "Train/cat/1.jpg", photos / "Train/cat/again.jpg")
    shutil.copy(photos / "Train/cat/1.jpg", photos / "Val/cat/leaked.jpeg")
    (photos / "Val/dog/linked.png").symlink_to(photos / "Train/cat/2.jpg")
    found = survey(open_dataset(photos))
    first, second = found.copies
    assert first.images == ("Train/cat/1.jpg", "Train/cat/again.jpg", "Val/cat/leaked.jpeg")
    assert first.splits == ("training", "training", "test") and set(first.classes) == {"cat"}
    assert second.images == ("Train/cat/2.jpg", "Val/dog/linked.png") and second.classes == ("cat", "dog")
    assert found.leaked == (first, second) and found.contradictory == (second,)


def test_files_of_one_size_and_one_end_that_differ_are_no_copies(photos):
    contents = (photos / "Train/cat/1.jpg").read_bytes()
    for name, byte in (("x", b"x"), ("y", b"y")):
        (photos / f"Train/cat/{name}.jpg").write_bytes(byte + contents + bytes(5000))
    for name in ("e.png", "f.png"):
        (photos / "Train/dog" / name).write_bytes(b"")
    assert not survey(open_dataset(photos)).copies


def test_copies_among_arrays():
    images = RNG.integers(0, 256, (6, 2, 2, 1))
    found = survey(arrays(source(images, [0, 0, 0, 1, 1, 1]), source(images[[4, 0]], [1, 1])))
    assert [group.images for group in found.copies] == [
        ("training image 0", "test image 1"),
        ("training image 4", "test image 0"),
    ]
    assert [group.classes for group in found.contradictory] == [("0", "1")]
    assert found.compared == 8


def test_the_same_bytes_in_another_shape_are_no_copy():
    class Shapes(ArraySource):
        def __getitem__(self, index):
            return {"image": np.zeros((2, 2 + 2 * index, 2 - index), np.uint8), "label": 0}

    odd = Shapes(np.zeros((2, 1, 1, 1), np.uint8), np.zeros(2, int))
    data = arrays(odd, source(np.ones((1, 2, 2, 1)), [0]))
    assert not find_copies(data, max_images=math.inf, max_bytes=math.inf).groups


@pytest.mark.parametrize("kind", ["files", "arrays"])
def test_what_is_read_is_bounded_and_stated(photos, kind):
    data = open_dataset(photos)
    if kind == "arrays":
        data = arrays(source(np.zeros((50, 2, 2, 1)), [0] * 50), source(np.zeros((50, 2, 2, 1)), [0] * 50))
    else:
        for index in range(40):
            shutil.copy(photos / "Train/cat/1.jpg", photos / f"Train/cat/again{index}.jpg")
        data = open_dataset(photos)
    total = len(data.train) + len(data.test)
    effort = Effort(looked_at=7, decode=True, compared=20, compared_bytes=math.inf, labels=0)
    found = survey(data, effort)
    assert (found.looked_at.images, found.compared, found.total) == (7, 20, total)
    few = find_copies(data, max_images=math.inf, max_bytes=60)
    assert few.compared < total
    assert find_copies(data, max_images=math.inf, max_bytes=math.inf).compared == total


def test_a_file_that_is_gone_is_not_compared(photos):
    data = open_dataset(photos)
    (photos / "Train/cat/1.jpg").unlink()
    found = survey(data)
    assert found.compared == 11 and len(found.looked_at.unreadable) == 1


def test_labels_that_must_be_read_are_counted_only_where_they_are_few():
    class Reading:
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return {"image": np.full((2, 2, 1), index, np.uint8), "label": index % 2}

    class Labelled(Reading):
        def label(self, index):
            return index % 2

    assert survey(arrays(Reading(), Reading())).training_counts is None
    data = arrays(Labelled(), Labelled())
    assert [row.training for row in survey(data).classes] == [2, 1]
    found = survey(data, dataclasses.replace(USUAL, labels=2))
    assert [row.training for row in found.classes] == [None, None]
    assert found.training_counts is None and found.imbalance == 1
    assert two_lines(found, balanced=False)[0].endswith("2 classes")
    assert "all images are read" in two_lines(found, balanced=True)[0]


def test_two_lines_say_the_worst_of_it(photos):
    shutil.copy(photos / "Train/cat/1.jpg", photos / "Val/cat/leaked.jpg")
    (photos / "Val/dog/empty.png").write_bytes(b"")
    (photos / "Val/dog/notes.txt").write_bytes(b"")
    found = survey(open_dataset(photos), BRIEF)
    first, second = two_lines(found, balanced=False)
    for part in (
        f"photos ({photos}): 10 training and 4 test images",
        "Train and Val",
        "2 to 8",
        "4 times",
        "--balance weights",
    ):
        assert part in first
    for part in ("all 14", "10x20 to 300x400", "11 in colour and 2 grey", "1 cannot be read (Val/dog/empty.png)"):
        assert part in second
    assert "both splits" in second and "(Train/cat/1.jpg = Val/cat/leaked.jpg)" in second
    assert "1 .txt (Val/dog/notes.txt)" in second and "\n" not in first + second
    assert "weighted by --balance" in two_lines(found, balanced=True)[0]
    # The fourth finding.
    assert "1 copy" not in second and second.endswith(f"; zoo data {photos} shows all")
    (photos / "Val/dog/notes.txt").unlink()
    line = two_lines(survey(open_dataset(photos), BRIEF), balanced=False)[1]
    assert "1 copy" in line and "shows all" not in line


def test_a_line_of_long_names_is_short(photos):
    for name in (f"Train/cat/{'a' * 240}.jpg", f"Train/dog/{'b' * 240}.jpg", f"Val/cat/{'c' * 240}.jpg"):
        shutil.copy(photos / "Train/cat/1.jpg", photos / name)
    (photos / "Val/dog" / f"{'d' * 240}.png").write_bytes(b"")
    line = two_lines(survey(open_dataset(photos), BRIEF), balanced=False)[1]
    assert len(line) < 500 + len(str(photos)) and "accuracy will be too high" in line and "in several classes" in line


def test_names_of_a_leak_are_of_both_splits(photos):
    for name in ("Train/cat/again.jpg", "Train/dog/other.jpg", "Val/cat/leaked.jpg"):
        shutil.copy(photos / "Train/cat/1.jpg", photos / name)
    line = two_lines(survey(open_dataset(photos)), balanced=False)[1]
    assert "too high (Train/cat/1.jpg = Val/cat/leaked.jpg and 2 more)" in line
    assert "several classes (Train/cat/1.jpg = Train/dog/other.jpg and 2 more)" in line


def test_an_effort_without_limit_is_complete(photos):
    data = open_dataset(photos)
    assert survey(data, COMPLETE) == survey(data, USUAL)


def test_a_folder_without_splits_states_its_rule(tmp_path):
    for name in ("a", "b"):
        for index in range(3):
            noise(tmp_path / name / f"{index}.png")
    assert "a fifth of each class is for testing" in survey(open_dataset(tmp_path)).split
