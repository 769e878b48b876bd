"""Batches: what an epoch is, how it resumes, what is padded."""

import json
import zlib

import numpy as np
import pytest

from zoo.data import DataError, Preprocessing, eval_batches, train_batches
from zoo.data.dataset import ArraySource

COUNT, BATCH = 23, 4
EPOCH = COUNT // BATCH
SHAPE = (2, 2, 1)


def preprocessing_of(shape, fit="resize"):
    return Preprocessing(image_shape=shape, mean=(0.0,) * shape[-1], std=(1.0,) * shape[-1], fit=fit)


@pytest.fixture
def source():
    # An example's pixels are its label: what is in a batch shows.
    labels = np.arange(COUNT)
    return ArraySource(np.broadcast_to(labels[:, None, None, None], (COUNT, *SHAPE)).astype(np.uint8), labels)


class Slow:
    """A source that is not in memory, which Grain reads with threads."""

    def __init__(self, source):
        self.source = source

    def __len__(self):
        return len(self.source)

    def __getitem__(self, index):
        return self.source[index]


def epochs(source, count, seed=0):
    iterator = iter(train_batches(source, preprocessing=preprocessing_of(SHAPE), batch_size=BATCH, seed=seed))
    return [np.concatenate([next(iterator)["label"] for _ in range(EPOCH)]).tolist() for _ in range(count)]


def test_a_batch_has_the_shape_and_types_promised(source):
    batch = next(iter(train_batches(source, preprocessing=preprocessing_of((4, 6, 3)), batch_size=BATCH, seed=0)))
    assert batch.keys() == {"image", "label"}
    assert batch["image"].shape == (BATCH, 4, 6, 3) and batch["image"].dtype == np.uint8
    assert batch["label"].shape == (BATCH,) and batch["label"].dtype == np.int32
    np.testing.assert_array_equal(batch["image"][:, 0, 0, 0], batch["label"])


def test_no_example_comes_twice_in_an_epoch_and_epochs_differ_in_order(source):
    orders = epochs(source, 20)
    assert all(len(set(order)) == EPOCH * BATCH for order in orders)
    assert len(set(map(tuple, orders))) == 20
    # The dropped remainder differs between epochs.
    assert set().union(*orders) == set(range(COUNT))


def test_full_epochs_have_the_same_content():
    source = ArraySource(np.zeros((20, *SHAPE), np.uint8), np.arange(20))
    assert [sorted(order) for order in epochs(source, 3)] == [list(range(20))] * 3


@pytest.mark.parametrize("wrap", [lambda source: source, Slow])
def test_the_seed_decides_the_order(source, wrap):
    assert epochs(wrap(source), 2, seed=7) == epochs(source, 2, seed=7)
    first, second = epochs(source, 2, seed=7)
    assert first not in epochs(source, 2, seed=8) and second not in epochs(source, 2, seed=8)


@pytest.mark.parametrize("wrap", [lambda source: source, Slow])
@pytest.mark.parametrize("taken", [0, 3, EPOCH, 2 * EPOCH + 1])
def test_a_restored_iterator_resumes_where_it_was(source, taken, wrap):
    data = train_batches(wrap(source), preprocessing=preprocessing_of(SHAPE), batch_size=BATCH, seed=1)
    iterator = iter(data)
    for _ in range(taken):
        next(iterator)
    state = json.loads(json.dumps(iterator.get_state()))
    expected = [next(iterator)["label"].tolist() for _ in range(8)]
    restored = iter(data)
    restored.set_state(state)
    assert [next(restored)["label"].tolist() for _ in range(8)] == expected


def test_evaluation_sees_every_example_once_in_order(source):
    batches = list(eval_batches(source, preprocessing=preprocessing_of(SHAPE), batch_size=BATCH))
    assert all(batch["image"].shape == (BATCH, *SHAPE) and batch["mask"].dtype == bool for batch in batches)
    labels, mask = (np.concatenate([batch[key] for batch in batches]) for key in ("label", "mask"))
    np.testing.assert_array_equal(labels[mask], np.arange(COUNT))
    assert mask.tolist() == [True] * COUNT + [False]
    assert not batches[-1]["image"][-1].any() and labels.dtype == np.int32


def test_evaluation_can_be_repeated_and_may_be_smaller_than_a_batch(source):
    batches = eval_batches(source, preprocessing=preprocessing_of(SHAPE), batch_size=64)
    assert [batch["mask"].sum() for batch in batches] == [batch["mask"].sum() for batch in batches] == [COUNT]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": COUNT + 1}, f"{COUNT} training images do not fill a batch of {COUNT + 1}"),
        ({"batch_size": 0}, "the batch size is 0"),
        ({"preprocessing": preprocessing_of((2, 2, 4))}, r"the image shape is \(2, 2, 4\)"),
        ({"preprocessing": preprocessing_of((2, 2))}, r"the image shape is \(2, 2\)"),
        ({"preprocessing": preprocessing_of(SHAPE, "stretch")}, "unknown fit 'stretch': .* resize, pad"),
        ({"seed": -1}, "the seed is -1"),
    ],
)
def test_bad_arguments_are_one_line(source, change, message):
    with pytest.raises(DataError, match=message):
        train_batches(source, **{"preprocessing": preprocessing_of(SHAPE), "batch_size": BATCH, "seed": 0, **change})


@pytest.mark.parametrize("threads", [False, True])
def test_a_bad_example_is_our_error_through_grain(source, threads):
    class Damaged(Slow if threads else ArraySource):
        def __getitem__(self, index):
            raise DataError("cannot read the image x.png")

    damaged = Damaged(source) if threads else Damaged(source.images, source.labels)
    with pytest.raises(DataError) as caught:
        next(iter(train_batches(damaged, preprocessing=preprocessing_of(SHAPE), batch_size=BATCH, seed=0)))
    assert str(caught.value) == "cannot read the image x.png"


def test_the_order_is_the_same_on_every_machine(source):
    # A change of Grain's shuffle would change the batches of resumed runs: it must not go unnoticed.
    assert zlib.crc32(bytes(epochs(source, 1)[0])) == 1456340146
