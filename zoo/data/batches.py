"""Batches from a source, made with Grain."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.dataset import ArraySource, Dataset, Source
from zoo.data.errors import DataError
from zoo.data.fitting import FITS
from zoo.data.preprocessing import Preprocessing
from zoo.data.unreadable import UnreadableImages, replace_unreadable

if TYPE_CHECKING:
    import grain


# (index, count): the process and the number of processes. Each reads its own rows of every batch.
ProcessPart = tuple[int, int]


def train_batches(
    source: Source,
    *,
    preprocessing: Preprocessing,
    batch_size: int,
    seed: int,
    part: ProcessPart = (0, 1),
    unreadable: UnreadableImages | None = None,
    classes: int | None = None,
) -> grain.IterDataset:
    """Endless batches: {"image": uint8 [batch, height, width, channel], "label": int32 [batch]}.

    Each epoch has a new random order from the seed, len(source) // batch_size batches and no example twice;
    its remainder is dropped. `part` (i, n) reads the i-th of n equal parts of each batch's rows. The iterator's
    get_state and set_state resume exactly, with any number of parts. Another image takes the place of one that cannot
    be read, as often as `unreadable` allows. Raises DataError for a bad argument, a source smaller than one batch, and
    for an image that cannot be read, when it is met; with `classes` also for a label that is not 0 to classes - 1.
    """
    _check(preprocessing, batch_size, part)
    if not 0 <= seed < 2**32:
        raise DataError(f"the seed is {seed}: use one from 0 to {2**32 - 1}")
    if len(source) < batch_size:
        raise DataError(f"{len(source)} training images do not fill a batch of {batch_size}: use a smaller batch")
    import grain

    # Not `shuffle(seed)`: Grain adds the epoch to that, so seed 1 would be seed 0 one epoch later.
    source = replace_unreadable(source, unreadable or UnreadableImages())
    indices = grain.MapDataset.range(len(source)).seed(seed).shuffle().batch(batch_size, drop_remainder=True)
    read = functools.partial(_read, source=source, preprocessing=preprocessing, part=part, classes=classes)
    return indices.map(read).repeat().to_iter_dataset(_read_options(source))


def eval_batches(
    source: Source,
    *,
    preprocessing: Preprocessing,
    batch_size: int,
    part: ProcessPart = (0, 1),
    unreadable: UnreadableImages | None = None,
    classes: int | None = None,
) -> Iterable[dict[str, np.ndarray]]:
    """Every example once, in order, as train_batches' keys and "mask", bool [batch], False where zeros pad.

    Images that cannot be read are left out, as often as `unreadable` allows; padding is last in each batch all the
    same. Raises DataError for a bad argument, and for an image that cannot be read, when it is met; with `classes` also
    for a label that is not 0 to classes - 1.
    """
    _check(preprocessing, batch_size, part)
    import grain

    batches = -(-len(source) // batch_size)
    indices = grain.MapDataset.range(batches * batch_size).batch(batch_size)
    read = functools.partial(
        _read,
        source=source,
        preprocessing=preprocessing,
        part=part,
        classes=classes,
        left_out=unreadable or UnreadableImages(),
    )
    return indices.map(read).to_iter_dataset(_read_options(source))


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


def in_memory(dataset: Dataset, *, preprocessing: Preprocessing, unreadable: UnreadableImages) -> Dataset:
    """The data set with all images read and of the network's size; itself if it is in memory already.

    Of images that cannot be read, those for training are replaced, as in `train_batches`, and those of the test split
    left out. Raises DataError for one more than `unreadable` allows.
    """
    if isinstance(dataset.train, ArraySource) and isinstance(dataset.test, ArraySource):
        return dataset
    train = load_all(dataset.train, preprocessing=preprocessing, unreadable=unreadable)
    images, labels = [np.zeros((0, *preprocessing.image_shape), np.uint8)], [np.zeros(0, np.int32)]
    for batch in eval_batches(dataset.test, preprocessing=preprocessing, batch_size=256, unreadable=unreadable):
        images.append(batch["image"][batch["mask"]])
        labels.append(batch["label"][batch["mask"]])
    test = ArraySource(np.concatenate(images), np.concatenate(labels))
    return replace(dataset, train=ArraySource(train["image"], train["label"]), test=test)


def _read(
    indices: np.ndarray,
    source: Source,
    preprocessing: Preprocessing,
    part: ProcessPart,
    classes: int | None,
    left_out: UnreadableImages | None = None,
) -> dict[str, np.ndarray]:
    """The rows of a batch that this process reads; zeros last, for indices beyond the source.

    With `left_out` there is a mask, and images that cannot be read are added to it and have no row.
    """
    process, processes = part
    rows = len(indices) // processes
    indices = indices[process * rows : (process + 1) * rows]
    images, labels, row = np.zeros((rows, *preprocessing.image_shape), np.uint8), np.zeros(rows, np.int32), 0
    for index in indices[indices < len(source)].tolist():
        try:
            example = source[index]
        except DataError as error:
            if left_out is None:
                raise
            left_out.add(error)
            continue
        if classes is not None:
            check_label(example["label"], classes, index)
        images[row], labels[row] = preprocessing.fitted(example["image"]), example["label"]
        row += 1
    batch: dict[str, np.ndarray] = {"image": images, "label": labels}
    return batch if left_out is None else {**batch, "mask": np.arange(rows) < row}


def check_label(label: Any, classes: int, index: int) -> None:
    """Raises DataError, with the index of the image, for a label that is not one of 0 to classes - 1."""
    try:
        known = 0 <= label < classes and label == int(label)
    except (TypeError, ValueError):
        known = False
    if not known:
        raise DataError(f"image {index} has the label {label}: with {classes} classes it must be 0 to {classes - 1}")


def _read_options(source: Source) -> grain.ReadOptions:
    import grain

    # Threads help only where reading waits for a disk, or for a decoder that releases the GIL.
    threads = 0 if isinstance(source, ArraySource) else min(16, 2 * (os.cpu_count() or 1))
    return grain.ReadOptions(num_threads=threads, prefetch_buffer_size=4 * threads)


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
