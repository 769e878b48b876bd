"""From a source to batches, through Grain."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.dataset import ArraySource, Example, Source
from zoo.data.errors import DataError
from zoo.data.images import FITS
from zoo.data.preprocessing import Preprocessing

if TYPE_CHECKING:
    import grain


def train_batches(source: Source, *, preprocessing: Preprocessing, batch_size: int, seed: int) -> grain.IterDataset:
    """Batches without end: {"image": uint8 [batch, height, width, channel], "label": int32 [batch]}.

    Each epoch is a new order drawn from the seed, has len(source) // batch_size batches and no example twice;
    its remainder is dropped. The iterator's get_state and set_state resume exactly. DataError on a bad argument
    or a source smaller than one batch.
    """
    _check(preprocessing, batch_size)
    if not 0 <= seed < 2**32:
        raise DataError(f"the seed is {seed}: take one from 0 to {2**32 - 1}")
    if len(source) < batch_size:
        raise DataError(f"{len(source)} training images do not fill a batch of {batch_size}: take a smaller batch")
    import grain

    # Not `shuffle(seed)`: Grain adds the epoch to that, so seed 1 would be seed 0 one epoch later.
    data = grain.MapDataset.source(source).seed(seed).shuffle()
    data = data.map(functools.partial(_prepare, preprocessing=preprocessing))
    return data.batch(batch_size, drop_remainder=True).repeat().to_iter_dataset(_read_options(source))


def eval_batches(source: Source, *, preprocessing: Preprocessing, batch_size: int) -> Iterable[dict[str, np.ndarray]]:
    """Every example once, in order, as train_batches' keys and "mask", bool [batch], False where zeros pad."""
    _check(preprocessing, batch_size)
    import grain

    data = grain.MapDataset.source(source).map(functools.partial(_prepare, preprocessing=preprocessing))
    data = data.map(lambda example: {**example, "mask": np.bool_(True)})
    pad = functools.partial(grain.experimental.batch_and_pad, batch_size=batch_size)
    return data.batch(batch_size, batch_fn=pad).to_iter_dataset(_read_options(source))


def whole(source: Source, *, preprocessing: Preprocessing) -> dict[str, np.ndarray]:
    """Every example at once, in order: {"image": uint8 [n, height, width, channel], "label": int32 [n]}."""
    batches = list(eval_batches(source, preprocessing=preprocessing, batch_size=256))
    joined = {name: np.concatenate([batch[name] for batch in batches]) for name in ("image", "label")}
    return {name: array[: len(source)] for name, array in joined.items()}


def _prepare(example: Example, preprocessing: Preprocessing) -> dict[str, np.ndarray]:
    return {"image": preprocessing.fitted(example["image"]), "label": np.int32(example["label"])}


def _read_options(source: Source) -> grain.ReadOptions:
    import grain

    # Threads pay where reading waits for a disk or for a decoder that frees the interpreter.
    threads = 0 if isinstance(source, ArraySource) else min(16, 2 * (os.cpu_count() or 1))
    return grain.ReadOptions(num_threads=threads, prefetch_buffer_size=4 * threads)


def _check(preprocessing: Preprocessing, batch_size: int) -> None:
    image_shape, fit = preprocessing.image_shape, preprocessing.fit
    if len(image_shape) != 3 or min(image_shape) < 1 or image_shape[2] not in (1, 3):
        raise DataError(
            f"the image shape is {tuple(image_shape)}: it is (height, width, channels) with 1 or 3 channels"
        )
    if batch_size < 1:
        raise DataError(f"the batch size is {batch_size}: it is one image at least")
    if fit not in FITS:
        raise DataError(f"unknown fit {fit!r}: it is one of {', '.join(FITS)}")
