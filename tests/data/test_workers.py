"""Worker processes read the same batches, to the bit, as threads do, and what goes wrong in them is one line."""

import os
import signal
from itertools import islice
from multiprocessing import active_children

import numpy as np
import pytest
from PIL import Image

from zoo.data import (
    DataError,
    Preprocessing,
    RandomCrops,
    UnreadableImages,
    eval_batches,
    open_dataset,
    read_ahead,
    train_batches,
    workers,
)

PREPROCESSING = Preprocessing(image_shape=(24, 24, 3), mean=(0.5,) * 3, std=(0.25,) * 3)
CROPS = RandomCrops(size=(24, 24), seed=5, smallest=0.1, flip=True)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    for number in range(50):
        path = tmp_path / "ab"[number % 2] / f"{number:02}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (30, 40, 3), np.uint8)).save(path)
    # Several chunks a batch.
    monkeypatch.setattr(read_ahead, "CHUNK_IMAGES", 3)
    return tmp_path


def train(source, **options):
    return train_batches(source, preprocessing=PREPROCESSING, batch_size=8, seed=1, crops=CROPS, **options)


def assert_equal(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        assert one.keys() == other.keys()
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])


@pytest.mark.slow
def test_workers_read_what_threads_read_also_after_resuming_in_mid_epoch(folder):
    source = open_dataset(folder).train
    whole = list(islice(train(source), 9))
    iterator = iter(train(source, workers=3))
    assert_equal(list(islice(iterator, 4)), whole[:4])
    state = iterator.get_state()
    iterator.close()
    # The second of two processes, with another number of workers.
    resumed = iter(train(source, workers=1, part=(1, 2)))
    resumed.set_state(state)
    assert_equal(list(islice(resumed, 5)), [{name: batch[name][4:] for name in batch} for batch in whole[4:]])
    resumed.close()
    assert not active_children()


@pytest.mark.slow
def test_an_evaluation_ends_its_workers_and_leaves_out_what_cannot_be_read(folder):
    dataset = open_dataset(folder)
    dataset.test.path(3).write_bytes(b"no image")
    found = []
    for count in (0, 2):
        unreadable = UnreadableImages(1)
        options = {"preprocessing": PREPROCESSING, "batch_size": 4, "unreadable": unreadable}
        found.append(list(eval_batches(dataset.test, workers=count, **options)))
        assert unreadable.count == 1
    assert_equal(*found)
    assert not active_children()


@pytest.mark.slow
def test_a_worker_that_is_killed_is_one_line(folder):
    iterator = iter(train(open_dataset(folder).train, workers=2))
    next(iterator)
    for child in active_children():
        # Ctrl-C and a scheduler's signal reach workers too, and do not end them before their run has saved.
        os.kill(child.pid, signal.SIGINT)
        os.kill(child.pid, signal.SIGTERM)
    list(islice(iterator, 3))
    for child in active_children():
        child.kill()
    with pytest.raises(DataError, match="fewer --workers"):
        list(islice(iterator, 10_000))


def test_too_little_shared_memory_is_one_line(folder, monkeypatch):
    usage = type("Usage", (), {"free": 10_000})
    monkeypatch.setattr(workers.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(DataError, match=r"--workers.*--shm-size"):
        next(iter(train(open_dataset(folder).train, workers=2)))


@pytest.mark.parametrize(
    ("cores", "images", "count"), [(2, 10**6, 0), (4, 10**6, 0), (8, 9_999, 0), (8, 10**6, 7), (64, 10**6, 16)]
)
def test_workers_are_used_where_threads_do_not_scale(monkeypatch, cores, images, count):
    monkeypatch.setattr(workers.os, "sched_getaffinity", lambda process: range(cores), raising=False)
    assert workers.usual_workers(images) == count
