"""Batches drawn from images that are kept on the devices."""

import json
import signal

import jax
import numpy as np
import pytest
from short_runs import DATASET, final_params, run, with_recipe

import zoo
from zoo.data import Preprocessing, load_all, train_batches
from zoo.runtime.mesh import data_mesh
from zoo.training import Recipe, feed
from zoo.training.feed import Resident, open_feed, resident_limit, resolve_feed


def numbered(count):
    """Images with their index as label and as pixel value."""
    labels = np.arange(count, dtype=np.int32)
    return {
        "image": np.broadcast_to(labels[:, None, None, None] % 256, (count, 2, 2, 1)).astype(np.uint8),
        "label": labels,
    }


def labels_of(resident, steps):
    return np.stack([resident.batch(resident.inputs(step), step)["label"] for step in steps])


def test_an_epoch_is_a_new_order_without_repetition():
    resident = Resident(numbered(50), seed=0, batch_size=8, mesh=data_mesh(8))
    first, second = (labels_of(resident, range(start, start + 6)).ravel() for start in (0, 6))
    assert len(set(first)) == len(set(second)) == 48
    assert (first != second).any() and (np.sort(first) != first).any()


def test_the_step_alone_decides_the_batch():
    makes = [Resident(numbered(50), seed=seed, batch_size=8, mesh=data_mesh(8)) for seed in (3, 3, 4)]
    straight, again, other = (labels_of(one, (0, 5, 6, 13)) for one in makes)
    np.testing.assert_array_equal(straight, again)
    assert (straight != other).any()
    np.testing.assert_array_equal(labels_of(makes[0], (13, 0, 6))[0], straight[3])


@pytest.mark.parametrize("repeats", [2, 3])
def test_repeated_images_are_the_first_of_the_order_one_after_the_other(repeats):
    once, repeated = (Resident(numbered(50), seed=0, batch_size=8, mesh=data_mesh(8), repeats=n) for n in (1, repeats))
    for epoch in (0, 6):
        expected = np.repeat(labels_of(once, range(epoch, epoch + 6)), repeats)[:48]
        np.testing.assert_array_equal(labels_of(repeated, range(epoch, epoch + 6)).ravel(), expected)


def test_images_stay_with_their_labels():
    resident = Resident(numbered(50), seed=0, batch_size=8, mesh=data_mesh(8))
    batch = resident.batch(resident.inputs(2), 2)
    assert batch["image"].dtype == np.uint8
    np.testing.assert_array_equal(batch["image"][:, 0, 0, 0], batch["label"])


def test_whole_is_every_example_as_the_batches_have_it():
    preprocessing = Preprocessing(image_shape=(20, 20, 3), mean=(0.5,) * 3, std=(0.2,) * 3)
    images = load_all(DATASET.train, preprocessing=preprocessing)
    assert images["image"].shape == (70, 20, 20, 3) and images["label"].shape == (70,)
    batch = next(iter(train_batches(DATASET.train, preprocessing=preprocessing, batch_size=70, seed=0)))
    ours, theirs = (sorted(zip(b["label"].tolist(), map(bytes, b["image"]), strict=True)) for b in (images, batch))
    assert ours == theirs


@pytest.mark.parametrize(("pixels", "kind"), [(16, "resident"), (4096, "streamed")])
def test_auto_keeps_small_images_on_the_devices(pixels, kind):
    preprocessing = Preprocessing(image_shape=(pixels, pixels, 1), mean=(0.5,), std=(0.2,))
    assert resolve_feed(Recipe(), DATASET, preprocessing) == kind
    assert resolve_feed(Recipe(feed="streamed"), DATASET, preprocessing) == "streamed"


@pytest.mark.parametrize(
    ("platform", "memory", "limit"),
    [
        ("cpu", 2**40, 2**29),
        ("gpu", None, 2**29),
        ("gpu", 104 * 2**30, 2**32),
        ("gpu", 6 * 2**30, 2**28),
        ("tpu", 1, 1),
    ],
)
def test_the_limit_of_auto_is_a_share_of_the_memory_of_a_device(platform, memory, limit):
    assert resident_limit(platform, memory) == limit


def test_auto_asks_the_device(monkeypatch):
    preprocessing = Preprocessing(image_shape=(4096, 4096, 1), mean=(0.5,), std=(0.2,))
    monkeypatch.setattr(feed, "resident_limit", lambda platform, memory: 10**10)
    assert resolve_feed(Recipe(), DATASET, preprocessing) == "resident"


RESIDENT = with_recipe(feed="resident", shift=2, flip=True)


@pytest.mark.slow
@pytest.mark.parametrize("stop_at", [1, 4, 6])
def test_a_stopped_and_resumed_run_is_the_uninterrupted_one(tiny, tmp_path, monkeypatch, stop_at):
    whole_run = run(tmp_path / "whole", config=RESIDENT)
    with monkeypatch.context() as patch:

        def interrupting(self, step, inputs=Resident.inputs):
            if step == stop_at:
                signal.raise_signal(signal.SIGTERM)
            return inputs(self, step)

        patch.setattr(feed.Resident, "inputs", interrupting)
        stopped = run(tmp_path / "run", config=RESIDENT)
    assert stopped.exit_code == 128 + signal.SIGTERM and stopped.step == stop_at + 1
    assert run(tmp_path / "run", resume=True).test_accuracy == whole_run.test_accuracy
    jax.tree.map(np.testing.assert_array_equal, final_params(tmp_path / "run"), final_params(tmp_path / "whole"))
    lines = [json.loads(line) for line in (tmp_path / "whole" / "metrics.jsonl").read_text().splitlines()]
    assert all(0 <= line["waiting"] <= 1 for line in lines)


def test_a_small_data_set_is_kept_on_the_devices_by_default():
    from zoo.data import open_dataset
    from zoo.training.resolve_config import resolve_config

    dataset = open_dataset("digits")
    assert resolve_config("lenet5", dataset, {}).recipe.feed == "resident"
    streamed = resolve_config("lenet5", dataset, {"feed": "streamed"}).recipe
    assert isinstance(open_feed(dataset, streamed, RESIDENT.preprocessing, data_mesh(64)), feed.Streamed)
    with pytest.raises(zoo.ZooError, match="feed is 'disk'"):
        Recipe(feed="disk")
