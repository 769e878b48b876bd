"""Short runs on images that a small network learns in seconds, for the tests of the loop."""

import dataclasses
import io
import json
from unittest import mock

import jax
import numpy as np
from orbax.checkpoint import v1 as ocp
from rich.console import Console

from zoo.data import Dataset, Preprocessing
from zoo.data.dataset import ArraySource
from zoo.training import PreparedRun, Recipe, RunConfig, RunFolder, RunOptions, train_run
from zoo.training.checkpoint.run_folder import saved_steps
from zoo.training.logging import recorder


def squares(count, seed):
    """Bright squares in one of four corners."""
    rng = np.random.default_rng(seed)
    images, labels = rng.integers(0, 90, (count, 16, 16, 1), np.uint8), rng.integers(0, 4, count)
    for image, label in zip(images, labels, strict=True):
        row, column = 8 * (label // 2), 8 * (label % 2)
        image[row : row + 6, column : column + 6] += 120
    return ArraySource(images, labels)


# Four steps per epoch of 16 images.
DATASET = Dataset("squares", squares(70, 0), squares(37, 1), ("a", "b", "c", "d"), (16, 16, 1))
CONFIG = RunConfig(
    model="tiny",
    dataset="squares",
    recipe=Recipe(epochs=3, batch_size=16, learning_rate=1e-2, warmup_epochs=0.5, feed="streamed"),
    preprocessing=Preprocessing(image_shape=(16, 16, 1), mean=(0.449,), std=(0.226,)),
    class_names=DATASET.class_names,
)


def with_recipe(**changes):
    """CONFIG with another recipe."""
    return dataclasses.replace(CONFIG, recipe=dataclasses.replace(CONFIG.recipe, **changes))


class Printed:
    """A console whose text is kept."""

    def __init__(self):
        self.file = io.StringIO()
        self.console = Console(file=self.file, width=1000)

    @property
    def lines(self):
        """What was printed, line by line."""
        return self.file.getvalue().splitlines()


def run(path, dataset=DATASET, resume=False, config=CONFIG, printed=None, **options):
    """A run in a folder; with `resume` the rest of it."""
    folder = RunFolder(path)
    if not resume:
        folder.start(config)
    console = printed.console if printed else Console(quiet=True)
    prepared = PreparedRun(
        config=folder.read_config(), dataset=dataset, folder=folder, resume=resume, options=RunOptions(**options)
    )
    # Drawing takes longer than the steps; the tests of the recorder draw. A file shows that it would be done.
    with mock.patch.object(recorder, "draw_curves", lambda rows, path, title: path.touch()):
        return train_run(prepared, console)


def final_state(path, step=None):
    """What the last checkpoint holds, or that of a step, as NumPy arrays, on however many devices; without the key."""
    last = path.absolute() / "steps" / str(step or saved_steps(RunFolder(path))[-1])
    stored = ocp.metadata(last, checkpointable_name="state").metadata
    arrays = {name: part for name, part in stored.items() if name != "key"}
    partial = ocp.Context()
    partial.pytree.loading.partial_load = True
    with partial:
        return ocp.load(
            last,
            jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), arrays),
            checkpointable_name="state",
        )


def final_params(path):
    """The parameters that a run ended with."""
    return final_state(path)["params"]


# The parts of a row that differ from run to run.
TIMING = {"seconds", "images_per_second", "waiting", "utilisation"}


def measured_rows(path):
    """The rows of a run's metrics without their timing."""
    rows = [json.loads(line) for line in RunFolder(path).metrics_file.read_text().splitlines()]
    return [{name: row[name] for name in row.keys() - TIMING} for row in rows]
