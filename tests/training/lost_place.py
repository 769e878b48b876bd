"""Run by test_saving: `lost_place.py FOLDER WHOLE full` on a small disk fills it in the middle of a run, and
`... permission` takes the permission to save; then it resumes, and ends as the run in WHOLE, to the bit."""

import dataclasses
import sys
import time
from contextlib import suppress
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

import jax
import numpy as np
from rich.console import Console
from short_runs import CONFIG, DATASET, final_state
from tiny import INFO

from zoo import registry
from zoo.data.dataset import ArraySource
from zoo.errors import ZooError
from zoo.runtime.log_filters import quiet_libraries
from zoo.training import PreparedRun, RunFolder, train_run
from zoo.training.checkpoint.run_folder import saved_steps

registry.register(INFO)
quiet_libraries()
folder, whole, is_full = RunFolder(Path(sys.argv[1])), RunFolder(Path(sys.argv[2])), sys.argv[3] == "full"
filler, steps = folder.path.with_name("filler"), folder.path / "steps"


class Losing(ArraySource):
    """The training images; as the second epoch reads them, after the first is saved, no more can be saved."""

    def __getitem__(self, index):
        if saved_steps(folder):
            with suppress(OSError):
                if is_full:
                    filler.write_bytes(bytes(10**6))
                else:
                    steps.chmod(0o500)
        return super().__getitem__(index)


console = Console(width=500)
whole.start(CONFIG)
train_run(PreparedRun(config=CONFIG, dataset=DATASET, folder=whole), console)
folder.start(CONFIG)
data = dataclasses.replace(DATASET, train=Losing(DATASET.train.images, DATASET.train.labels))
start = time.monotonic()
try:
    train_run(PreparedRun(config=CONFIG, dataset=data, folder=folder), console)
    raise SystemExit("the loss was not noticed")
except ZooError as error:
    assert "could not be saved" in str(error), error
    print(f"error after {time.monotonic() - start:.0f} s:", error)
kept = saved_steps(folder)
if is_full:
    filler.unlink()
else:
    steps.chmod(0o700)
print("resumed from step", kept[-1])
resumed = PreparedRun(config=folder.read_config(), dataset=DATASET, folder=folder, resume=True)
assert train_run(resumed, console).step == 12
jax.tree.map(np.testing.assert_array_equal, final_state(folder.path), final_state(whole.path))
