"""The weights in a checkpoint of a run, read without its data set and optimizer."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from zoo.errors import ZooError
from zoo.runtime.failures import refusal_line
from zoo.runtime.records import InvalidRecord
from zoo.runtime.regular_file import all_regular
from zoo.training.checkpoint.checksums import Damaged, checksums, verified_record
from zoo.training.checkpoint.run_folder import RunFolder, saved_steps
from zoo.training.checkpoint.saved_metrics import SavedMetrics, read_metrics
from zoo.training.config.run_config import RunConfig
from zoo.weights.files import Weights, key_of, with_arrays
from zoo.weights.source import WeightsSource
from zoo.weights.stored_array import StoredArray

ADVICE = "it is damaged; rename that folder to use another step"


def checkpoint_weights(folder: Path, step: int | None = None, model: str | None = None) -> Weights:
    """The weights in a run folder: those of `step`, or of the best test accuracy, or of the latest checkpoint.

    `model` is the network where the run's is not zoo's own and is not known by its name.
    Arrays are float32, whatever the dtype of the run. The folder is only read, so the run may still be training. Raises
    ZooError if there is no run, no such checkpoint, or a damaged one.
    """
    run = RunFolder(Path(folder))
    if not run.exists():
        raise run.no_run()
    config = run.read_config(model)
    chosen = chosen_step(run, step)
    checkpoint = run.steps / str(chosen)
    why = _described(read_metrics(checkpoint), best=step is None)
    source = WeightsSource(name=str(run.path), step=chosen, address=why)
    weights = replace(weights_of_run(config, {}), source=source)
    return with_arrays(weights, stored_arrays(checkpoint))


def weights_of_run(config: RunConfig, variables: Mapping[str, Any]) -> Weights:
    """These variables as the weights of a run with this configuration."""
    return Weights(
        model=config.model,
        variables=variables,
        preprocessing=config.eval_preprocessing,
        fields=config.network_fields(),
        class_names=config.class_names,
        dataset=config.dataset,
        data=config.data,
    )


def chosen_step(run: RunFolder, step: int | None) -> int:
    """`step`, if it is saved. None: the most accurate (of equals the last), or the latest if none was evaluated."""
    metrics = saved_metrics(run)
    if not metrics:
        raise ZooError(f"no checkpoint in {run.steps}: the run was stopped before its first")
    if step is None:
        accuracies = {saved: -1.0 if found is None else found.test_accuracy for saved, found in metrics.items()}
        return max(accuracies, key=lambda saved: (accuracies[saved], saved))
    if step not in metrics:
        raise ZooError(f"no checkpoint of step {step} in {run.steps}: it has {', '.join(map(str, metrics))}")
    return step


def saved_metrics(run: RunFolder) -> dict[int, SavedMetrics | None]:
    """Those of each saved step; None for one that was not evaluated. Raises ZooError for damaged ones."""
    return {step: read_metrics(run.steps / str(step)) for step in saved_steps(run)}


def _described(metrics: SavedMetrics | None, *, best: bool) -> str:
    """Why this checkpoint is taken, for the line about the weights in use."""
    if metrics is None:
        return "the latest, not evaluated" if best else "not evaluated"
    epoch = "" if metrics.epoch is None else f"epoch {metrics.epoch:.4g}, "
    return f"{'the best: ' if best else ''}{epoch}test accuracy {metrics.test_accuracy:.4f}"


def stored_arrays(checkpoint: Path) -> dict[str, StoredArray]:
    """The arrays of "params" and "batch_stats" by `key_of`, or of their EMA if there is one.

    The first that is read reads all, and nothing else of the checkpoint. Raises ZooError for a damaged one.
    """
    # Not at the top: it takes Orbax half a second, and `import zoo` reads this file.
    from orbax.checkpoint import v1 as ocp

    with reading(checkpoint, ADVICE):
        # Orbax would wait for a pipe.
        if not all_regular(checkpoint):
            raise Damaged
        stored = ocp.metadata(checkpoint.absolute(), checkpointable_name="state").metadata
        # Exactly as stored: Orbax fills anything else with uninitialized memory.
        names = ("average",) if "average" in stored else ("params", "batch_stats")
        structure = {name: stored[name] for name in names}
        load_once = cache(lambda: _by_key(load_variables(checkpoint, structure)))
        return {
            key: StoredArray(tuple(leaf.shape), np.dtype(leaf.dtype), partial(_loaded, load_once, key))
            for key, leaf in _by_key(structure).items()
        }


def _loaded(load: Callable[[], dict[str, Any]], key: str) -> np.ndarray:
    return load()[key]


def _by_key(variables: dict[str, Any]) -> dict[str, Any]:
    leaves = jax.tree.leaves_with_path(variables.get("average", variables))
    return {key_of(path): leaf for path, leaf in leaves}


def load_variables(checkpoint: Path, structure: dict[str, Any]) -> dict[str, Any]:
    """The arrays of this structure, whose leaves have a shape and a type."""
    # As above.
    from orbax.checkpoint import v1 as ocp

    context = ocp.Context()
    context.pytree.loading.partial_load = True
    with reading(checkpoint, ADVICE), context:
        record = verified_record(ocp.checkpointables_metadata(checkpoint.absolute()).custom_metadata, str(checkpoint))
        arrays = jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), structure)
        loaded = ocp.load(checkpoint.absolute(), arrays, checkpointable_name="state")
        if not checksums(loaded).items() <= record.checksums.items():
            raise Damaged
    return loaded


@contextmanager
def reading(path: Path, advice: str) -> Iterator[None]:
    """Turn any error of Orbax, which has many classes of them, into a ZooError with this advice."""
    try:
        yield
    except InvalidRecord:
        raise
    except Exception as error:
        raise ZooError(f"{path} cannot be read: {refusal_line(error) or advice}") from error
