"""The weights in a checkpoint of a run, read without its data set and optimizer."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np
from orbax.checkpoint import v1 as ocp

from zoo.errors import ZooError
from zoo.runtime.failures import refusal_line
from zoo.runtime.records import InvalidRecord
from zoo.training.checkpoint.checksums import Damaged, checksums, verified_record
from zoo.training.checkpoint.run_folder import RunFolder, saved_steps
from zoo.training.checkpoint.saved_metrics import read_accuracy
from zoo.weights.files import Weights, key_of, with_arrays


def checkpoint_weights(folder: Path, step: int | None = None) -> Weights:
    """The weights in a run folder: those of `step`, or of the best test accuracy, or of the latest checkpoint.

    Arrays are float32, whatever the dtype of the run. The folder is only read, so the run may still be training. Raises
    ZooError if there is no run, no such checkpoint, or a damaged one.
    """
    run = RunFolder(Path(folder))
    if not run.exists():
        raise ZooError(f"no run of train.py in {run.path}: it has no {run.config_file.name}")
    config = run.read_config()
    weights = Weights(
        model=config.model,
        variables={},
        preprocessing=config.preprocessing,
        fields=config.network_fields(),
        class_names=config.class_names,
        dataset=config.dataset,
    )
    chosen = run.steps / str(chosen_step(run, step))
    return with_arrays(weights, {key_of(path): leaf for path, leaf in jax.tree.leaves_with_path(variables(chosen))})


def chosen_step(run: RunFolder, step: int | None) -> int:
    """`step`, if it is saved. None: the most accurate (of equals the last), or the latest if none was evaluated."""
    accuracies = saved_accuracies(run)
    if not accuracies:
        raise ZooError(f"no checkpoint in {run.steps}: the run was stopped before its first")
    if step is None:
        return max(accuracies, key=lambda saved: (accuracies[saved], saved))
    if step not in accuracies:
        raise ZooError(f"no checkpoint of step {step} in {run.steps}: it has {', '.join(map(str, accuracies))}")
    return step


def saved_accuracies(run: RunFolder) -> dict[int, float]:
    """The test accuracy of each saved step, -1 for one that was not evaluated. Raises ZooError for damaged metrics."""
    accuracies = {step: read_accuracy(run.steps / str(step)) for step in saved_steps(run)}
    return {step: -1.0 if accuracy is None else accuracy for step, accuracy in accuracies.items()}


def variables(checkpoint: Path) -> dict[str, Any]:
    """{"params", "batch_stats"} as NumPy arrays, or their EMA if there is one; nothing else is read."""
    partial = ocp.Context()
    partial.pytree.loading.partial_load = True
    with reading(checkpoint, "remove that folder to use another step"), partial:
        record = verified_record(ocp.checkpointables_metadata(checkpoint.absolute()).custom_metadata, str(checkpoint))
        stored = ocp.metadata(checkpoint.absolute(), checkpointable_name="state").metadata
        # Exactly as stored: Orbax fills anything else with uninitialized memory.
        names = ("average",) if "average" in stored else ("params", "batch_stats")
        structure = {name: stored[name] for name in names}
        arrays = jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), structure)
        loaded = ocp.load(checkpoint.absolute(), arrays, checkpointable_name="state")
        if not checksums(loaded).items() <= record.checksums.items():
            raise Damaged
    return loaded.get("average", loaded)


@contextmanager
def reading(path: Path, advice: str) -> Iterator[None]:
    """Turn any error of Orbax, which has many classes of them, into a ZooError with this advice."""
    try:
        yield
    except InvalidRecord:
        raise
    except Exception as error:
        raise ZooError(f"{path} cannot be read: {refusal_line(error) or advice}") from error
