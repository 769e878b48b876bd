"""Images that cannot be read: another takes their place in training, and evaluation leaves them out."""

import json

import numpy as np
import pytest
from PIL import Image

from zoo.data import (
    DataError,
    Dataset,
    Preprocessing,
    UnreadableImages,
    eval_batches,
    load_all,
    open_dataset,
    train_batches,
)
from zoo.data.batches import in_memory
from zoo.data.unreadable import only_readable

SHAPE = (2, 2, 1)
PREPROCESSING = Preprocessing(image_shape=SHAPE, mean=(0.0,), std=(1.0,))
COUNT, BATCH = 23, 4
BAD = {3, 4, 22}


class Damaged:
    """Examples whose pixels and label are their index; some cannot be read."""

    def __len__(self):
        return COUNT

    def __getitem__(self, index):
        if index in BAD:
            raise DataError(f"cannot read image {index}")
        return {"image": np.full(SHAPE, index, np.uint8), "label": index}


def replaced(labels):
    """Each unreadable index as the next that can be read; after the last comes the first."""
    return [{3: 5, 4: 5, 22: 0}.get(label, label) for label in labels]


def labels(batches, count):
    iterator = iter(batches)
    return [next(iterator)["label"].tolist() for _ in range(count)]


def batches(source, **options):
    return train_batches(source, preprocessing=PREPROCESSING, batch_size=BATCH, seed=1, **options)


class Whole(Damaged):
    def __getitem__(self, index):
        return {"image": np.full(SHAPE, index, np.uint8), "label": index}


def test_the_next_image_takes_the_place_of_an_unreadable_one_in_every_process():
    expected = [replaced(batch) for batch in labels(batches(Whole()), 12)]
    unreadable = UnreadableImages(3)
    assert labels(batches(Damaged(), unreadable=unreadable), 12) == expected
    assert unreadable.count == 3
    parts = [labels(batches(Damaged(), part=(i, 2), unreadable=UnreadableImages(3)), 12) for i in range(2)]
    assert [first + second for first, second in zip(*parts, strict=True)] == expected


def test_the_iterator_resumes_at_the_batch_that_could_not_be_read():
    expected = [replaced(batch) for batch in labels(batches(Whole()), 12)]
    iterator, read = iter(batches(Damaged())), []
    with pytest.raises(DataError, match=r"^cannot read image \d+"):
        while True:
            read.append(next(iterator)["label"].tolist())
    state = json.loads(json.dumps(iterator.get_state()))
    resumed = iter(batches(Damaged(), unreadable=UnreadableImages(3)))
    resumed.set_state(state)
    assert read + [next(resumed)["label"].tolist() for _ in range(12 - len(read))] == expected


def test_one_more_than_the_limit_is_an_error():
    for limit in (0, 1, 2):
        with pytest.raises(DataError, match="cannot read image"):
            labels(batches(Damaged(), unreadable=UnreadableImages(limit)), 12)
        with pytest.raises(DataError, match="cannot read image"):
            load_all(Damaged(), preprocessing=PREPROCESSING, unreadable=UnreadableImages(limit))


def test_an_image_counts_once():
    unreadable = UnreadableImages(3)
    labels(batches(Damaged(), unreadable=unreadable), 50)
    assert unreadable.count == 3 and all(part in unreadable.describe() for part in ("3", "cannot read image 22"))


def test_resident_images_are_replaced_too():
    loaded = load_all(Damaged(), preprocessing=PREPROCESSING, unreadable=UnreadableImages(3))
    assert loaded["label"].tolist() == replaced(range(COUNT))
    np.testing.assert_array_equal(loaded["image"][:, 0, 0, 0], loaded["label"])


@pytest.mark.parametrize("parts", [1, 2])
def test_evaluation_leaves_them_out_and_padding_stays_last(parts):
    found = []
    for i in range(parts):
        options = {"preprocessing": PREPROCESSING, "batch_size": 6, "part": (i, parts)}
        for batch in eval_batches(Damaged(), unreadable=UnreadableImages(3), **options):
            count = int(batch["mask"].sum())
            assert batch["mask"].tolist() == [True] * count + [False] * (6 // parts - count)
            assert not batch["image"][count:].any() and not batch["label"][count:].any()
            np.testing.assert_array_equal(batch["image"][:count, 0, 0, 0], batch["label"][:count])
            found += batch["label"][:count].tolist()
    assert sorted(found) == [index for index in range(COUNT) if index not in BAD]


def test_only_the_readable_ones_can_be_chosen():
    part = only_readable(Damaged(), UnreadableImages(3))
    assert [part[i]["label"] for i in range(len(part))] == [i for i in range(COUNT) if i not in BAD]
    assert [part.source_index(i) for i in (2, 3, 19)] == [2, 5, 21]
    with pytest.raises(DataError):
        only_readable(Damaged(), UnreadableImages(2))


def test_a_source_without_a_readable_image_is_an_error(monkeypatch):
    monkeypatch.setitem(globals(), "BAD", set(range(COUNT)))
    with pytest.raises(DataError, match="no image that can be read"):
        load_all(Damaged(), preprocessing=PREPROCESSING, unreadable=UnreadableImages(100))


def test_the_file_of_a_folder_is_named(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        for i in range(4):
            Image.new("RGB", (3, 3)).save(tmp_path / name / f"{i}.png")
    (tmp_path / "a" / "1.png").write_bytes(b"")
    data, unreadable = open_dataset(tmp_path), UnreadableImages(1)
    for source in (data.train, data.test):
        list(eval_batches(source, preprocessing=PREPROCESSING, batch_size=2, unreadable=unreadable))
    assert f"{tmp_path}/a/1.png" in unreadable.describe() and "1 image was" in unreadable.describe()


def test_a_data_set_in_memory_has_the_same_images():
    data = Dataset("numbers", Damaged(), Damaged(), tuple("abc"), SHAPE)
    unreadable = UnreadableImages(3)
    options = {"preprocessing": PREPROCESSING, "eval_preprocessing": PREPROCESSING, "unreadable": unreadable}
    loaded = in_memory(data, **options)
    assert unreadable.count == 3 and in_memory(loaded, **options) is loaded
    assert loaded.train.labels.tolist() == replaced(range(COUNT))
    assert loaded.test.labels.tolist() == [index for index in range(COUNT) if index not in BAD]
    for source in (loaded.train, loaded.test):
        np.testing.assert_array_equal(source.images[:, 0, 0, 0], source.labels)
