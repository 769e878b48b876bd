"""The test set, evaluated with the state of a run."""

from collections.abc import Callable, Iterable

import jax
import numpy as np
from jax.sharding import Mesh

from zoo.data import Dataset, eval_batches
from zoo.runtime.mesh import shard_batch
from zoo.training.checkpoint.run_folder import RunConfig
from zoo.training.step import TrainState

# So many batches are started before the first of them is done.
BATCHES_IN_FLIGHT = 3

Batches = Iterable[dict[str, np.ndarray | jax.Array]]


def test_batches(dataset: Dataset, config: RunConfig, mesh: Mesh) -> Batches:
    """The test images in batches, kept on the devices where the run keeps its training images there."""
    recipe, part = config.recipe, (jax.process_index(), jax.process_count())
    batches = eval_batches(dataset.test, preprocessing=config.preprocessing, batch_size=recipe.batch_size, part=part)
    return [shard_batch(batch, mesh) for batch in batches] if recipe.feed == "resident" else batches


def never() -> bool:
    """A stop that is not asked for."""
    return False


def evaluate(
    step: Callable, state: TrainState, batches: Batches, mesh: Mesh, stopping: Callable[[], bool] = never
) -> dict[str, float] | None:
    """{"test_loss", "test_accuracy"} over every image of the test set, its remainder included; None where stopped."""
    sums: list[dict[str, jax.Array]] = []
    for batch in batches:
        sums.append(step(state, batch if isinstance(batch["mask"], jax.Array) else shard_batch(batch, mesh)))
        # Not far ahead of the devices: what is started cannot be stopped.
        jax.block_until_ready(sums[-BATCHES_IN_FLIGHT:][0])
        if stopping():
            return None
    total = jax.tree.map(lambda *parts: float(np.sum(parts)), *jax.device_get(sums))
    return {"test_loss": total["loss"] / total["images"], "test_accuracy": total["correct"] / total["images"]}
