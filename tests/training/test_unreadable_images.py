"""Runs that meet an image that cannot be read: they are saved, and resumed without it to the bit."""

import dataclasses
from pathlib import Path

import jax
import numpy as np
import pytest
from short_runs import DATASET, Printed, final_params, measured_rows, run, with_recipe

from zoo.data import DataError
from zoo.training.checkpoint.run_folder import RunFolder, saved_steps
from zoo.training.config.run_options import RunOptions
from zoo.training.prepare import with_unreadable
from zoo.training.resume_config import ResumeRequest, resume_config

pytestmark = pytest.mark.usefixtures("tiny")


class Damaged:
    """Another source, of which some examples cannot be read."""

    def __init__(self, source, bad):
        self.source, self.bad = source, bad

    def __len__(self):
        return len(self.source)

    def __getitem__(self, index):
        if index in self.bad:
            raise DataError(f"cannot read image {index}")
        return self.source[index]


CONFIG = with_recipe(epochs=2)
# Training and test images that are read in the middle of an epoch.
DAMAGED = dataclasses.replace(DATASET, train=Damaged(DATASET.train, {7}), test=Damaged(DATASET.test, {30}))


@pytest.mark.slow
def test_a_run_that_met_unreadable_images_is_resumed_without_them_to_the_bit(tmp_path):
    first = r"^cannot read image 7, .*--skip-unreadable 1; --resume continues from step \d"
    with pytest.raises(DataError, match=first) as caught:
        run(tmp_path / "resumed", DAMAGED, config=CONFIG)
    assert "\n" not in str(caught.value)
    stopped = saved_steps(RunFolder(tmp_path / "resumed"))[-1]
    assert stopped < 8
    # Now the training image may be left out, and the test image is met.
    with pytest.raises(
        DataError, match=r"^cannot read image 30, .*--skip-unreadable 2; --resume continues from step 4"
    ):
        run(tmp_path / "resumed", DAMAGED, resume=True, config=CONFIG, skip_unreadable=1)
    printed = Printed()
    resumed = run(tmp_path / "resumed", DAMAGED, resume=True, config=CONFIG, skip_unreadable=2, printed=printed)
    assert resumed.step == 8
    assert any("2 images were left out" in line or "1 image was left out" in line for line in printed.lines)
    whole = run(tmp_path / "whole", DAMAGED, config=CONFIG, skip_unreadable=2)
    assert whole == resumed and measured_rows(tmp_path / "whole") == measured_rows(tmp_path / "resumed")
    jax.tree.map(np.testing.assert_array_equal, final_params(tmp_path / "whole"), final_params(tmp_path / "resumed"))
    # 36 test images are left.
    assert round(whole.test_accuracy * 36, 4) == round(whole.test_accuracy * 36)


def test_what_was_left_out_once_stays_left_out():
    config, options = with_unreadable(CONFIG, RunOptions(skip_unreadable=2))
    assert (config.data.skip_unreadable, options.skip_unreadable) == (2, 2)
    request = ResumeRequest(model=CONFIG.model, overrides={})
    resumed = resume_config(
        dataclasses.replace(config, data=dataclasses.replace(DATASET.origin, skip_unreadable=2)),
        Path("run"),
        DATASET,
        request,
        step=1,
    )
    assert with_unreadable(resumed, RunOptions())[1].skip_unreadable == 2
    assert with_unreadable(resumed, RunOptions(skip_unreadable=5))[0].data.skip_unreadable == 5


def test_a_run_is_saved_before_the_batch_that_could_not_be_read(tmp_path):
    with pytest.raises(DataError, match=r"^cannot read image 7, .*--skip-unreadable 1; --resume continues") as caught:
        run(tmp_path, DAMAGED, config=CONFIG)
    step = saved_steps(RunFolder(tmp_path))[-1]
    assert f"step {step}" in str(caught.value) and 0 <= step < 4


@pytest.mark.slow
def test_resident_images_too(tmp_path):
    config = with_recipe(epochs=1, feed="resident")
    with pytest.raises(DataError, match=r"^cannot read image 7"):
        run(tmp_path / "resumed", DAMAGED, config=config)
    assert run(tmp_path / "resumed", DAMAGED, resume=True, config=config, skip_unreadable=2).step == 4
