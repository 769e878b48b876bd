"""The evaluation of a run's state on the test set."""

from collections.abc import Callable, Iterable
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from zoo.data import DataError, UnreadableImages, eval_batches
from zoo.data.workers import MIN_IMAGES, usual_workers
from zoo.runtime.compiler_options import compiler_options
from zoo.runtime.mesh import shard_batch
from zoo.training.config.run_options import AUTO
from zoo.training.prepared_run import PreparedRun
from zoo.training.state import TrainState
from zoo.training.step import eval_step

# Batches that are started before the first of them has finished: what is started cannot be stopped.
MAX_BATCHES_IN_FLIGHT = 3


class Evaluator:
    """Evaluates states of a run on all images of the test set, but for those left out as `unreadable`.

    `stop_requested` is asked after each batch. Several processes could not stop at the same batch, and ignore it.
    """

    def __init__(
        self, run: PreparedRun, mesh: Mesh, stop_requested: Callable[[], bool], unreadable: UnreadableImages
    ) -> None:
        self._mesh = mesh
        self._batches = load_test_batches(run, mesh, unreadable)
        self._step = jax.jit(eval_step, compiler_options=compiler_options())
        self._stop_requested = stop_requested if jax.process_count() == 1 else lambda: False

    def evaluate(self, state: TrainState) -> dict[str, float] | None:
        """{"test_loss", "test_accuracy"} of the state; None if a stop was requested before the last batch."""
        sums: list[dict[str, jax.Array]] = []
        for batch in self._batches:
            on_devices = isinstance(batch["mask"], jax.Array)
            sums.append(self._step(state, batch if on_devices else shard_batch(batch, self._mesh)))
            jax.block_until_ready(sums[-MAX_BATCHES_IN_FLIGHT:][0])
            if self._stop_requested():
                return None
        total = jax.tree.map(lambda *parts: float(np.sum(parts)), *jax.device_get(sums))
        if not total["images"]:
            raise DataError("no test image can be read: replace them")
        return {"test_loss": total["loss"] / total["images"], "test_accuracy": total["correct"] / total["images"]}


def load_test_batches(run: PreparedRun, mesh: Mesh, unreadable: UnreadableImages) -> Iterable[dict[str, Any]]:
    """The test images in batches, on the devices if the run keeps its training images there.

    Worker processes are started anew for each evaluation, and only for one that takes longer than that.
    """
    workers = run.options.workers if len(run.dataset.test) >= MIN_IMAGES else 0
    batches = eval_batches(
        run.dataset.test,
        preprocessing=run.config.eval_preprocessing,
        batch_size=run.config.recipe.batch_size,
        part=(jax.process_index(), jax.process_count()),
        unreadable=unreadable,
        classes=len(run.dataset.class_names),
        workers=usual_workers(len(run.dataset.test)) if workers == AUTO else workers,
    )
    return [shard_batch(batch, mesh) for batch in batches] if run.config.recipe.feed == "resident" else batches
