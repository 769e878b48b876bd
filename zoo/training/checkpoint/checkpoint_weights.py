"""A run's checkpoint as a weights record, without its data set and its optimizer."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np
from orbax.checkpoint import v1 as ocp

from zoo.errors import ZooError
from zoo.training.checkpoint.checksums import Damaged, checksums, unsealed
from zoo.training.checkpoint.run_folder import RunFolder
from zoo.weights.files import Weights, key_of, with_arrays


def checkpoint_weights(folder: Path, step: int | None = None) -> Weights:
    """The weights in a run folder: of that step, else of the best test accuracy, else of the latest checkpoint.

    They are for float32, whatever the run computed in. Nothing in the folder changes, so that the run may be going on.
    Raises ZooError where there is no run, no such checkpoint, or a damaged one.
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
    return with_arrays(weights, {key_of(place): leaf for place, leaf in jax.tree.leaves_with_path(variables(chosen))})


def chosen_step(run: RunFolder, step: int | None) -> int:
    """`step` where it is saved; without one the best, of equals the last, or where none was evaluated the latest."""
    accuracies = saved_accuracies(run)
    if not accuracies:
        raise ZooError(f"no checkpoint in {run.steps}: the run was stopped before its first")
    if step is None:
        return max(accuracies, key=lambda saved: (accuracies[saved], saved))
    if step not in accuracies:
        raise ZooError(f"no checkpoint of step {step} in {run.steps}: it has {', '.join(map(str, accuracies))}")
    return step


def saved_accuracies(run: RunFolder) -> dict[int, float]:
    """The test accuracy of each saved step, -1 where it was not evaluated."""
    # Orbax's checkpointer makes a folder that is not there.
    if not run.steps.is_dir():
        return {}
    damaged = reading(run.steps, "a checkpoint's metrics are damaged")
    with damaged, ocp.training.Checkpointer(run.steps.absolute()) as checkpointer:
        return {saved.step: (saved.metrics or {}).get("test_accuracy", -1.0) for saved in checkpointer.checkpoints}


def variables(checkpoint: Path) -> dict[str, Any]:
    """{"params", "batch_stats"} as NumPy arrays, their running mean where there is one; nothing else is read."""
    partial = ocp.Context()
    partial.pytree.loading.partial_load = True
    with reading(checkpoint, "remove that folder to use another step"), partial:
        record = unsealed(ocp.checkpointables_metadata(checkpoint.absolute()).custom_metadata)
        stored = ocp.metadata(checkpoint.absolute(), checkpointable_name="state").metadata
        # As it was saved: what else is asked for, Orbax fills with what the memory holds.
        wanted = {name: stored[name] for name in (("average",) if "average" in stored else ("params", "batch_stats"))}
        arrays = jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), wanted)
        loaded = ocp.load(checkpoint.absolute(), arrays, checkpointable_name="state")
        if not checksums(loaded).items() <= record["checksums"].items():
            raise Damaged
    return loaded.get("average", loaded)


@contextmanager
def reading(path: Path, advice: str) -> Iterator[None]:
    """Turns Orbax's errors, which are of many kinds, into one ZooError."""
    try:
        yield
    except Exception as error:
        raise ZooError(f"{path} cannot be read: {advice}") from error
