"""Programs that train on Fashion-MNIST: the search does not see its test images, and unfinished runs are not means."""

import json
from types import SimpleNamespace

import numpy as np

import zoo


def test_the_search_holds_out_the_last_training_images_and_never_sees_the_test_images(tmp_path, monkeypatch):
    import search

    monkeypatch.setattr(search, "HELD_OUT", 3)
    given, split = tmp_path / "given", tmp_path / "split"
    given.mkdir()
    pixels = np.arange(8, dtype=np.uint8)
    for name, part in (("train", pixels[:6]), ("t10k", pixels[6:])):
        search.write_idx(given / f"{name}-images-idx3-ubyte", np.broadcast_to(part[:, None, None], (len(part), 4, 4)))
        search.write_idx(given / f"{name}-labels-idx1-ubyte", part % 2)
    search.write_split(given, split)
    dataset = zoo.data.open_dataset(split)
    assert dataset.train.images[:, 0, 0, 0].tolist() == [0, 1, 2]
    assert dataset.test.images[:, 0, 0, 0].tolist() == [3, 4, 5] and dataset.test.labels.tolist() == [1, 0, 1]


def test_a_run_that_has_not_finished_is_no_part_of_the_mean(tmp_path, monkeypatch):
    import results

    epochs = {"lenet5-0": 10, "lenet5-1": 10, "lenet5-2": 4, "alexnet-0": 3}
    rows = {
        name: [{"epoch": done, "test_accuracy": 0.9 if done == 10 else 0.5, "seconds": 60}]
        for name, done in epochs.items()
    }
    for name in epochs:
        (tmp_path / name).mkdir()
    config = SimpleNamespace(recipe=SimpleNamespace(epochs=10), preprocessing=SimpleNamespace(image_shape=(28, 28, 1)))
    monkeypatch.setattr(results.RunFolder, "read_config", lambda folder: config)
    monkeypatch.setattr(results, "read_evaluations", lambda folder: rows[folder.path.name])
    lenet, alexnet = results.table(tmp_path).splitlines()[2:]
    assert "0.9000 ± 0.0000 | 2 | 10 |" in lenet
    assert "0.5000 | 1 | 3 of 10 so far |" in alexnet


def test_the_share_of_short_runs_at_the_goal(tmp_path):
    import speedrun

    log = tmp_path / "log.jsonl"
    runs = [
        {"seed": seed, "accuracy": accuracy, "seconds": 10.0, "compiling": 1.0}
        for seed, accuracy in enumerate((0.9399, 0.94, 0.95))
    ]
    log.write_text("".join(json.dumps(run) + "\n" for run in runs))
    assert speedrun.read(log) == runs
    assert "2 of 3" in speedrun.table(runs) and "10 seconds" in speedrun.table(runs)
