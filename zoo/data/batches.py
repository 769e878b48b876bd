"""Batches from a source, made with Grain."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np

from zoo.data.batch_iterator import Batches
from zoo.data.chunks import ChunkPlan, ChunkReader
from zoo.data.crops import RandomCrops
from zoo.data.dataset import ArraySource, Dataset, FittedSource, Source
from zoo.data.errors import DataError
from zoo.data.fitting import FITS
from zoo.data.preprocessing import Preprocessing
from zoo.data.read_ahead import count_chunks
from zoo.data.unreadable import UnreadableImages, replace_unreadable

# (index, count): the process and the number of processes. Each reads its own rows of every batch.
ProcessPart = tuple[int, int]


def train_batches(
    source: Source,
    *,
    preprocessing: Preprocessing,
    batch_size: int,
    seed: int,
    part: ProcessPart = (0, 1),
    crops: RandomCrops | None = None,
    repeats: int = 1,
    unreadable: UnreadableImages | None = None,
    classes: int | None = None,
    workers: int = 0,
) -> Batches:
    """Endless batches: {"image": uint8 [batch, height, width, channel], "label": int32 [batch]}.

    Each epoch has a new random order from the seed, len(source) // batch_size batches and no example twice; its
    remainder is dropped. With `repeats` each example is in so many rows, one after the other, and an epoch of as
    many batches has only the first examples of its order, as torchvision's RASampler (Hoffer et al. 2019). `part`
    (i, n) reads the i-th of n equal parts of each batch's rows. With `crops` each image is a random crop of the
    original, decided by its place in the run. With `workers` so many processes read the images, in place of threads.
    The iterator's get_state and set_state resume exactly, with any number of parts and workers. Another image takes
    the place of one that cannot be read, as often as `unreadable` allows. Raises DataError for a bad argument, a source
    smaller than one batch, and for an image that cannot be read, when it is met; with `classes` also for a label that
    is not 0 to classes - 1.
    """
    _check(preprocessing, batch_size, part)
    if not 0 <= seed < 2**32:
        raise DataError(f"the seed is {seed}: use one from 0 to {2**32 - 1}")
    if len(source) < batch_size:
        raise DataError(f"{len(source)} training images do not fill a batch of {batch_size}: use a smaller batch")
    import grain

    # Not `shuffle(seed)`: Grain adds the epoch to that, so seed 1 would be seed 0 one epoch later.
    order = grain.MapDataset.range(len(source)).seed(seed).shuffle()
    unreadable = unreadable or UnreadableImages()
    reader = ChunkReader(
        source=source,
        preprocessing=preprocessing,
        plan=replace(_plan(source, len(source) // batch_size, batch_size, part), repeats=repeats),
        order=order,
        end=sys.maxsize,
        crops=crops,
        classes=classes,
        limit=unreadable.limit,
        flag=unreadable.flag,
    )
    return Batches(reader, unreadable, workers=workers)


def eval_batches(
    source: Source,
    *,
    preprocessing: Preprocessing,
    batch_size: int,
    part: ProcessPart = (0, 1),
    unreadable: UnreadableImages | None = None,
    classes: int | None = None,
    workers: int = 0,
) -> Batches:
    """Every example once, in order, as train_batches' keys and "mask", bool [batch], False where zeros pad.

    Images that cannot be read are left out, as often as `unreadable` allows; padding is last in each batch all the
    same. Raises DataError for a bad argument, and for an image that cannot be read, when it is met; with `classes` also
    for a label that is not 0 to classes - 1.
    """
    _check(preprocessing, batch_size, part)
    unreadable = unreadable or UnreadableImages()
    plan = _plan(source, -(-len(source) // batch_size), batch_size, part)
    reader = ChunkReader(
        source=source,
        preprocessing=preprocessing,
        plan=plan,
        order=range(len(source)),
        end=plan.batches * plan.chunks,
        classes=classes,
        replacing=False,
        limit=unreadable.limit,
        flag=unreadable.flag,
    )
    return Batches(reader, unreadable, masked=True, workers=workers)


def load_all(
    source: Source,
    *,
    preprocessing: Preprocessing,
    unreadable: UnreadableImages | None = None,
    classes: int | None = None,
) -> dict[str, np.ndarray]:
    """Every example at once, in order: {"image": uint8 [n, height, width, channel], "label": int32 [n]}.

    Another image takes the place of one that cannot be read, as in `train_batches`. Raises DataError for a source
    without examples, and as `eval_batches`.
    """
    if not len(source):
        raise DataError("there are no images to load")
    source = replace_unreadable(source, unreadable or UnreadableImages())
    batches = list(eval_batches(source, preprocessing=preprocessing, batch_size=256, classes=classes))
    joined = {name: np.concatenate([batch[name] for batch in batches]) for name in ("image", "label")}
    return {name: array[: len(source)] for name, array in joined.items()}


def in_memory(
    dataset: Dataset,
    *,
    preprocessing: Preprocessing,
    eval_preprocessing: Preprocessing,
    unreadable: UnreadableImages,
) -> Dataset:
    """The data set with all images read and of the network's size; itself if it is in memory already.

    The test split has the size and the crop of evaluation. Of images that cannot be read, those for training are
    replaced, as in `train_batches`, and those of the test split left out. Raises DataError for one more than
    `unreadable` allows.
    """
    if isinstance(dataset.train, ArraySource) and isinstance(dataset.test, ArraySource):
        return dataset
    train = load_all(dataset.train, preprocessing=preprocessing, unreadable=unreadable)
    images, labels = [np.zeros((0, *eval_preprocessing.image_shape), np.uint8)], [np.zeros(0, np.int32)]
    for batch in eval_batches(dataset.test, preprocessing=eval_preprocessing, batch_size=256, unreadable=unreadable):
        images.append(batch["image"][batch["mask"]])
        labels.append(batch["label"][batch["mask"]])
    test = FittedSource(np.concatenate(images), np.concatenate(labels))
    return replace(dataset, train=FittedSource(train["image"], train["label"]), test=test)


def _plan(source: Source, batches: int, batch_size: int, part: ProcessPart) -> ChunkPlan:
    process, processes = part
    return ChunkPlan(
        images=len(source),
        batches=batches,
        batch_size=batch_size,
        process=process,
        processes=processes,
        chunks=count_chunks(source, batch_size // processes),
    )


def _check(preprocessing: Preprocessing, batch_size: int, part: ProcessPart) -> None:
    image_shape, fit = preprocessing.image_shape, preprocessing.fit
    if len(image_shape) != 3 or min(image_shape) < 1 or image_shape[2] not in (1, 3):
        raise DataError(f"the image shape is {tuple(image_shape)}: use (height, width, channels) with 1 or 3 channels")
    if batch_size < 1:
        raise DataError(f"the batch size is {batch_size}: use at least one image")
    if batch_size % part[1]:
        raise DataError(f"a batch of {batch_size} cannot be split over {part[1]} processes: use a multiple")
    if fit not in FITS:
        raise DataError(f"unknown fit {fit!r}: use one of {', '.join(FITS)}")
