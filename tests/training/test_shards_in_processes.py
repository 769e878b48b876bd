"""Two processes that train on tar shards, and that are resumed within an epoch."""

import io
import shutil
import tarfile

import jax
import numpy as np
import pytest
from PIL import Image
from short_runs import final_state

from tests.training.test_processes import assert_close, finished, run_processes, started
from zoo.training import RunFolder
from zoo.training.checkpoint.run_folder import saved_steps

IMAGES, SHARDS = 200, 5
# 160 training images: five steps per epoch.
SHORT = ["--epochs", "2", "--batch-size", "32", "--feed", "streamed", "--save-every", "3", "--image-size", "16"]
STEPS, LAST = 5, 10


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards") / "data"
    folder.mkdir()
    random = np.random.default_rng(0)
    for shard in range(SHARDS):
        with tarfile.open(folder / f"x-{shard:05}-of-{SHARDS:05}.tar", "w") as tar:
            for number in range(shard * IMAGES // SHARDS, (shard + 1) * IMAGES // SHARDS):
                file = io.BytesIO()
                Image.fromarray(random.integers(0, 256, (16, 16, 3), np.uint8)).save(file, "PNG")
                for ending, content in (("png", file.getvalue()), ("cls", str(number % 10).encode())):
                    member = tarfile.TarInfo(f"{number:03}.{ending}")
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))
    return folder


@pytest.mark.slow
def test_two_processes_share_tar_shards_and_resume_within_an_epoch(shards, tmp_path):
    arguments = ["--dataset", str(shards), *SHORT]
    finished(started(tmp_path / "alone", *arguments, devices=4))
    outputs = run_processes(tmp_path / "both", *arguments)
    assert "test_accuracy=" in outputs[0] and "test_accuracy=" not in outputs[1]
    # An image that both read, or none, would change the gradients.
    assert_close(final_state(tmp_path / "both"), final_state(tmp_path / "alone"), 1e-5)

    resumed = tmp_path / "resumed"
    shutil.copytree(tmp_path / "both", resumed)
    steps = saved_steps(RunFolder(resumed))
    middle = next(step for step in reversed(steps) if step % STEPS)
    for step in steps:
        if step > middle:
            shutil.rmtree(resumed / "steps" / str(step))
    outputs = run_processes(resumed, *arguments, "--resume")
    # From within the second epoch on.
    assert "epoch   2/2" in outputs[0] and "epoch   1/2" not in outputs[0]
    assert saved_steps(RunFolder(resumed))[-1] == LAST
    jax.tree.map(np.testing.assert_array_equal, final_state(resumed), final_state(tmp_path / "both"))
