"""Four simulated devices for every test, so that sharding is always exercised; set before JAX starts."""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=4"


@pytest.fixture(autouse=True)
def forget_what_slow_tests_compiled(request):
    """Hundreds of compiled networks would fill the memory."""
    yield
    if request.node.get_closest_marker("slow"):
        import jax

        jax.clear_caches()


class ShortRun(NamedTuple):
    """A run of train.py that took seconds, and its data set."""

    folder: Path
    data: Path


@pytest.fixture(scope="session")
def short_run(tmp_path_factory):
    """LeNet-5 after four epochs on a folder of bright squares in one of three corners, odd in size and in colour."""

    from zoo.commands import train

    root = tmp_path_factory.mktemp("short_run")
    generator = np.random.default_rng(0)
    for name, (row, column) in {"upper left": (0, 0), "upper right": (0, 12), "lower left": (12, 0)}.items():
        (root / "squares" / name).mkdir(parents=True)
        for index in range(30):
            image = generator.integers(0, 120, (24, 21 + index % 5, 3), np.uint8)
            image[row : row + 9, column : column + 9] += 90
            Image.fromarray(image).save(root / "squares" / name / f"{index}.png")
    arguments = ["--model", "lenet5", "--dataset", str(root / "squares"), "--run-dir", str(root / "run")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_CACHE", str(root / "cache"))
        assert train.main([*arguments, "--epochs", "4", "--batch-size", "16", "--learning-rate", "0.003"]) == 0
    return ShortRun(root / "run", root / "squares")


@pytest.fixture(scope="module")
def tiny():
    """The network "tiny" is registered."""
    from tiny import INFO

    from zoo import registry

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry._REGISTRY, INFO.name, INFO)
        yield
