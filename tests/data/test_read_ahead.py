"""What is read ahead: something, also while nobody asks for it, and no more than there is room for."""

import threading
import time
from itertools import islice

import numpy as np
import pytest

from zoo.data import DataError, Preprocessing, read_ahead, train_batches

PREPROCESSING = Preprocessing(image_shape=(8, 8, 1), mean=(0.5,), std=(0.25,))
IMAGE_BYTES = 64


class Counted:
    """A source that counts what is read of it."""

    def __init__(self, count):
        self.count, self.read, self.lock, self.damaged = count, 0, threading.Lock(), set()

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        with self.lock:
            self.read += 1
        if index in self.damaged:
            raise DataError(f"cannot read {index}")
        return {"image": np.full((8, 8, 1), index % 256, np.uint8), "label": index}


def settled(source):
    """How many images were read, once no more are."""
    read = -1
    while read != source.read:
        read = source.read
        time.sleep(0.2)
    return read


def batches(source, batch_size=64):
    return iter(train_batches(source, preprocessing=PREPROCESSING, batch_size=batch_size, seed=0))


def test_images_of_the_next_epoch_are_read_while_this_one_is_evaluated():
    source = Counted(64)
    iterator = batches(source)
    next(iterator)
    assert settled(source) >= 3 * 64
    iterator.close()


@pytest.mark.parametrize("room", [40, 80])
def test_what_is_read_ahead_is_bounded_in_bytes(monkeypatch, room):
    monkeypatch.setattr(read_ahead, "MAX_THREADS", 2)
    monkeypatch.setattr(read_ahead, "CHUNK_IMAGES", 8)
    monkeypatch.setattr(read_ahead, "AHEAD_BYTES", room * IMAGE_BYTES)
    source = Counted(1000)
    iterator = batches(source, batch_size=16)
    next(iterator)
    assert settled(source) == 16 + room
    next(iterator)
    assert settled(source) == 32 + room
    iterator.close()


def test_after_an_error_the_same_batch_is_read_again():
    source = Counted(640)
    whole = list(islice(batches(source), 3))
    source.damaged = {int(whole[1]["label"][5])}
    iterator = batches(source)
    next(iterator)
    for _ in range(2):
        with pytest.raises(DataError, match="cannot read"):
            next(iterator)
        assert iterator.get_state() == {"next_index": 1}
    source.damaged = set()
    np.testing.assert_array_equal(next(iterator)["label"], whole[1]["label"])
    iterator.close()
