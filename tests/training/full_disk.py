"""Run by test_checkpoints on a small disk: fills it in the middle of a run, and resumes once there is room again."""

import dataclasses
import sys
from contextlib import suppress
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from rich.console import Console
from short_runs import CONFIG, DATASET
from tiny import INFO

from zoo import registry
from zoo.data.dataset import ArraySource
from zoo.errors import ZooError
from zoo.runtime.log_filters import quiet_libraries
from zoo.training import PreparedRun, RunFolder, train_run
from zoo.training.checkpoint.run_folder import saved_steps

registry.register(INFO)
quiet_libraries()
folder = RunFolder(Path(sys.argv[1]))
filler = folder.path.with_name("filler")


class Filling(ArraySource):
    """The training images; the disk becomes full as the second epoch reads them, after the first is saved."""

    def __getitem__(self, index):
        if saved_steps(folder):
            with suppress(OSError):
                filler.write_bytes(bytes(10**6))
        return super().__getitem__(index)


console = Console(width=500)
folder.start(CONFIG)
data = dataclasses.replace(DATASET, train=Filling(DATASET.train.images, DATASET.train.labels))
try:
    train_run(PreparedRun(config=CONFIG, dataset=data, folder=folder), console)
    raise SystemExit("the full disk was not noticed")
except ZooError as error:
    assert "could not be saved" in str(error), error
    print("error:", error)
kept = saved_steps(folder)
filler.unlink()
print("resumed from step", kept[-1])
resumed = PreparedRun(config=folder.read_config(), dataset=DATASET, folder=folder, resume=True)
assert train_run(resumed, console).step == 12
