"""Computing in bfloat16 hardly changes the accuracy."""

import pytest
from rich.console import Console

from zoo.data import open_dataset
from zoo.training import PreparedRun, RunFolder, train_run
from zoo.training.resolve_config import resolve_config


@pytest.mark.slow
def test_within_half_a_point_of_float32_on_digits(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    dataset = open_dataset("digits")

    def accuracy(dtype, seed):
        config = resolve_config("lenet5", dataset, {"dtype": dtype, "seed": seed})
        folder = RunFolder(tmp_path / f"{dtype}-{seed}")
        folder.start(config)
        return train_run(PreparedRun(config=config, dataset=dataset, folder=folder), Console(quiet=True)).test_accuracy

    # 355 test images: one of them is 0.3 points, and seeds differ by several.
    seeds = range(5)
    mean = {dtype: sum(accuracy(dtype, seed) for seed in seeds) / len(seeds) for dtype in ("float32", "bfloat16")}
    print(mean)
    assert abs(mean["bfloat16"] - mean["float32"]) <= 0.005
