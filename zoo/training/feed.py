"""Where a run's batches come from: read as they are needed, or all images kept on the devices and drawn from there.

A feed gives the host's part, `inputs(step)`, and the part that is compiled with the step, `batch(inputs, step)`;
steps count from 0. What a checkpoint must keep of it is in `position`.
"""

from typing import Any, Protocol

import jax
import numpy as np
from jax import lax
from jax.sharding import Mesh

from zoo.data import Dataset, train_batches, whole
from zoo.data.preprocessing import Preprocessing
from zoo.runtime.mesh import batch_sharding, on_all_devices, replicated, shard_batch
from zoo.training.config.recipe import Recipe
from zoo.training.step import Batch

# Fashion-MNIST at 64 pixels is 350 MB; a few thousand photographs at 224 are more, and slow to read before the start.
RESIDENT_BYTES = 2**29

# A key of its own, which no split of the run's key gives.
SHUFFLING = 2**31


class Feed(Protocol):
    """The batches of a run, resumable."""

    @property
    def position(self) -> dict[str, Any]:
        """What a checkpoint keeps beside the state: numbers, by name."""

    def at(self, position: dict[str, Any]) -> "Feed":
        """This feed where a checkpoint left it."""

    def inputs(self, step: int) -> Any:
        """What the compiled step is given."""

    def batch(self, inputs: Any, step: jax.Array) -> Batch:
        """The batch of these inputs; pure, and compiled with the step."""


class Streamed:
    """Batches as Grain reads them, on the devices before they are needed: the loop is steps ahead of the devices."""

    def __init__(self, iterator: Any, mesh: Mesh) -> None:
        self.iterator, self.mesh = iterator, mesh

    @property
    def position(self) -> dict[str, Any]:
        """The iterator's own: how many batches it gave."""
        return self.iterator.get_state()

    def at(self, position: dict[str, Any]) -> "Streamed":
        """The same batches from there."""
        self.iterator.set_state(position)
        return self

    def inputs(self, step: int) -> Batch:
        """The next batch."""
        return shard_batch(next(self.iterator), self.mesh)

    def batch(self, inputs: Batch, step: jax.Array) -> Batch:
        """As it is."""
        return inputs


class Resident:
    """All images on every device, as uint8; an epoch's order is drawn from the seed, and batches are taken in the step.

    The step decides the batch: there is nothing to keep beside the state.
    """

    def __init__(self, images: dict[str, np.ndarray], *, seed: int, batch_size: int, mesh: Mesh) -> None:
        self.images = on_all_devices(images, mesh)
        self.batch_size, self.mesh = batch_size, mesh
        self.count = len(images["label"])
        self.key = jax.random.fold_in(jax.random.key(seed), SHUFFLING)
        self._order: tuple[int, Any] = (-1, None)
        self._shuffled = jax.jit(
            lambda epoch: jax.random.permutation(jax.random.fold_in(self.key, epoch), self.count),
            out_shardings=replicated(mesh),
        )

    @property
    def position(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def at(self, position: dict[str, Any]) -> "Resident":
        """The feed itself."""
        return self

    def inputs(self, step: int) -> tuple[Batch, jax.Array]:
        """The images, and the order of this step's epoch."""
        epoch = step // (self.count // self.batch_size)
        if self._order[0] != epoch:
            self._order = (epoch, self._shuffled(epoch))
        return self.images, self._order[1]

    def batch(self, inputs: tuple[Batch, jax.Array], step: jax.Array) -> Batch:
        """Those that come next in the order, each device its part."""
        images, order = inputs
        place = step % (self.count // self.batch_size) * self.batch_size
        chosen = lax.dynamic_slice_in_dim(order, place, self.batch_size)
        return jax.tree.map(
            lambda array: lax.with_sharding_constraint(array[chosen], batch_sharding(self.mesh)), images
        )


def open_feed(dataset: Dataset, recipe: Recipe, preprocessing: Preprocessing, mesh: Mesh) -> Feed:
    """The training images' feed that the recipe names."""
    if recipe.feed == "resident":
        images = whole(dataset.train, preprocessing=preprocessing)
        return Resident(images, seed=recipe.seed, batch_size=recipe.batch_size, mesh=mesh)
    batches = train_batches(
        dataset.train,
        preprocessing=preprocessing,
        batch_size=recipe.batch_size,
        seed=recipe.seed,
        part=(jax.process_index(), jax.process_count()),
    )
    return Streamed(iter(batches), mesh)


def resolved(recipe: Recipe, dataset: Dataset, preprocessing: Preprocessing) -> str:
    """What "auto" stands for: resident where all images, with those of the test, are small."""
    if recipe.feed != "auto":
        return recipe.feed
    images = len(dataset.train) + len(dataset.test)
    return "resident" if images * int(np.prod(preprocessing.image_shape)) <= RESIDENT_BYTES else "streamed"
