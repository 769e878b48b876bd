"""Where a run's batches come from: streamed from the data set, or gathered from images that stay on the devices.

A feed has a part for the host, `inputs(step)`, and a part that is compiled with the step, `batch(inputs, step)`. Steps
are counted from 0. A checkpoint stores its `position`.
"""

from collections.abc import Callable
from typing import Any, Literal, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh

from zoo.data import ArraySource, Dataset, RandomCrops, UnreadableImages, load_all, train_batches
from zoo.data.preprocessing import Preprocessing
from zoo.data.workers import usual_workers
from zoo.runtime.free_memory import device_memory
from zoo.runtime.mesh import batch_sharding, on_all_devices, replicated, shard_batch
from zoo.training.checkpoint.position import FeedPosition
from zoo.training.config.crop_sizes import NO_SIZES, parse_crop_sizes
from zoo.training.config.recipe import Recipe
from zoo.training.config.run_options import AUTO
from zoo.training.step import Batch

FeedName = Literal["auto", "resident", "streamed"]

# The limit of "auto" on CPUs. Fashion-MNIST at 64x64 is 350 MB. A few thousand photographs at 224x224 are more, and
# would take long to read before the first step.
RESIDENT_BYTES = 2**29
# On other devices it is this share of their memory: a GPU decodes no images, and may wait for them in each epoch.
RESIDENT_SHARE = 1 / 16

# A number to fold into the run's key, which no split of it gives.
SHUFFLING_STREAM = 2**31


class Feed(Protocol):
    """The batches of a run, resumable."""

    @property
    def position(self) -> FeedPosition:
        """What a checkpoint stores of the feed, as JSON; {} if the step alone decides the batch."""

    def seek(self, position: FeedPosition) -> None:
        """Continue at the position of a checkpoint; {} is the start."""

    def inputs(self, step: int) -> Any:
        """The input of the compiled step, on the devices."""

    def batch(self, inputs: Any, step: jax.Array) -> Batch:
        """The batch of these inputs: a pure function, compiled with the step."""

    def close(self) -> None:
        """End the threads or processes that read images."""


class Streamed:
    """Batches from a Grain iterator. They reach the devices early, as the loop is a few steps ahead of them."""

    def __init__(self, iterator: Any, mesh: Mesh) -> None:
        self.iterator, self.mesh = iterator, mesh

    @property
    def position(self) -> FeedPosition:
        """The iterator's state: how many batches it has given."""
        return self.iterator.get_state()

    def seek(self, position: FeedPosition) -> None:
        """Continue at that position."""
        if position:
            self.iterator.set_state(position)

    def inputs(self, step: int) -> Batch:
        """The next batch."""
        return shard_batch(next(self.iterator), self.mesh)

    def batch(self, inputs: Batch, step: jax.Array) -> Batch:
        """The inputs are the batch."""
        return inputs

    def close(self) -> None:
        """End the threads or processes that read images."""
        self.iterator.close()


class Resident:
    """All images on every device, as uint8. The seed decides the order of each epoch, and the step the batch.

    With `repeats` each image is so often in a batch, as in `train_batches`.
    """

    def __init__(
        self, images: dict[str, np.ndarray], *, seed: int, batch_size: int, mesh: Mesh, repeats: int = 1
    ) -> None:
        self.images = on_all_devices(images, mesh)
        self.batch_size, self.mesh, self.repeats = batch_size, mesh, repeats
        self.count = len(images["label"])
        self.key = jax.random.fold_in(jax.random.key(seed), SHUFFLING_STREAM)
        self._order: tuple[int, Any] = (-1, None)
        self._shuffled = jax.jit(
            lambda epoch: jax.random.permutation(jax.random.fold_in(self.key, epoch), self.count),
            out_shardings=replicated(mesh),
        )

    @property
    def position(self) -> FeedPosition:
        """{}: the step decides the batch."""
        return {}

    def seek(self, position: FeedPosition) -> None:
        """Nothing to do: the step decides the batch."""

    def inputs(self, step: int) -> tuple[Batch, jax.Array]:
        """All images, and the order of this step's epoch."""
        epoch = step // (self.count // self.batch_size)
        if self._order[0] != epoch:
            self._order = (epoch, self._shuffled(epoch))
        return self.images, self._order[1]

    def batch(self, inputs: tuple[Batch, jax.Array], step: jax.Array) -> Batch:
        """The next images in the order, split over the devices."""
        return gather_batch(self.batch_size, self.mesh, self.repeats)(inputs, step)

    def close(self) -> None:
        """Nothing to do: all images are read."""


def gather_batch(
    batch_size: int, mesh: Mesh, repeats: int = 1
) -> Callable[[tuple[Batch, jax.Array], jax.Array], Batch]:
    """A function of the inputs of `Resident` and a step: the next images in the order, split over the devices."""

    def gather(inputs: tuple[Batch, jax.Array], step: jax.Array) -> Batch:
        images, order = inputs
        start = step % (len(order) // batch_size) * batch_size
        if repeats > 1:
            chosen = order[(start + jnp.arange(batch_size)) // repeats]
        else:
            chosen = lax.dynamic_slice_in_dim(order, start, batch_size)
        return jax.tree.map(lambda array: lax.with_sharding_constraint(array[chosen], batch_sharding(mesh)), images)

    return gather


def open_feed(
    dataset: Dataset,
    recipe: Recipe,
    preprocessing: Preprocessing,
    mesh: Mesh,
    unreadable: UnreadableImages | None = None,
    workers: int = 0,
) -> Feed:
    """The feed of the training images that the recipe names; `unreadable` are those that may be left out.

    `workers` is as in RunOptions.
    """
    if recipe.feed == "resident":
        images = load_all(
            dataset.train, preprocessing=preprocessing, unreadable=unreadable, classes=len(dataset.class_names)
        )
        return Resident(images, seed=recipe.seed, batch_size=recipe.batch_size, mesh=mesh, repeats=recipe.repeats)
    batches = train_batches(
        dataset.train,
        preprocessing=preprocessing,
        batch_size=recipe.batch_size,
        seed=recipe.seed,
        crops=random_crops(recipe, preprocessing),
        part=(jax.process_index(), jax.process_count()),
        repeats=recipe.repeats,
        unreadable=unreadable,
        classes=len(dataset.class_names),
        workers=usual_workers(len(dataset.train)) if workers == AUTO else workers,
    )
    return Streamed(iter(batches), mesh)


def random_crops(recipe: Recipe, preprocessing: Preprocessing) -> RandomCrops | None:
    """The crops of the original images; None where images are cropped on the devices, or not at all."""
    if not recipe.crops_originals:
        return None
    return RandomCrops(
        size=preprocessing.image_shape[:2],
        seed=recipe.seed,
        smallest=recipe.crop,
        sides=parse_crop_sizes(recipe.crop_sizes),
        flip=recipe.flip,
        interpolation=preprocessing.interpolation,
    )


def resolve_feed(recipe: Recipe, dataset: Dataset, preprocessing: Preprocessing) -> FeedName:
    """The recipe's feed; for "auto" resident if training and test images take at most `resident_limit`, else streamed.

    It is streamed too for crops of files with larger images, of which the devices would have the centre only.
    """
    if recipe.feed != "auto":
        return recipe.feed
    smaller = min(preprocessing.image_shape[:2]) < min(dataset.image_shape[:2])
    if recipe.crop and recipe.fit != "pad" and smaller and not isinstance(dataset.train, ArraySource):
        return "streamed"
    if recipe.crop_sizes != NO_SIZES:
        return "streamed"
    images = len(dataset.train) + len(dataset.test)
    limit = resident_limit(jax.local_devices()[0].platform, device_memory())
    return "resident" if images * int(np.prod(preprocessing.image_shape)) <= limit else "streamed"


def resident_limit(platform: str, memory: int | None) -> int:
    """The most bytes of images that "auto" keeps on devices with so much `memory`; None: it is not known.

    It is a power of two, so that it is the same in all processes, whose devices have a little more or less.
    """
    if platform == "cpu" or memory is None:
        return RESIDENT_BYTES
    return 1 << max(int(RESIDENT_SHARE * memory).bit_length() - 1, 0)
