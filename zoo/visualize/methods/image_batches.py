"""Images in batches of one size, from a data set, an array or an iterable of arrays."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, cast

import numpy as np

from zoo.data import Dataset, Preprocessing, Source, eval_batches
from zoo.errors import ZooError
from zoo.runtime.limits import BATCH_SIZE

Images = Dataset | Source | np.ndarray | Iterable[np.ndarray]


def iterate_batches(
    images: Images, preprocessing: Preprocessing | None, batch_size: int
) -> Iterator[tuple[np.ndarray, int]]:
    """Pairs of a batch [batch, height, width, channel] and the number of its images; the rest is zeros at the end.

    Batches of a `Dataset` (its test split) or a `Source` are uint8 and need the preprocessing. Batches of an array, or
    of an iterable of arrays, are normalised floats, unchanged. Raises ZooError for anything else.
    """
    BATCH_SIZE.check(batch_size, "batch_size")
    if isinstance(images, Dataset):
        images = images.test
    if len(getattr(images, "shape", ())) == 4:
        array = cast(np.ndarray, images)
        return _padded(array[start : start + batch_size] for start in range(0, len(array), batch_size))
    if hasattr(images, "__getitem__") and not isinstance(images, list | tuple):
        if preprocessing is None:
            raise ZooError("images of a data set have values from 0 to 255: give the weights' preprocessing too")
        source = cast(Source, images)
        # No larger than what the images fill.
        batch_size = min(batch_size, max(len(source), 1))
        batches = eval_batches(source, preprocessing=preprocessing, batch_size=batch_size)
        return ((batch["image"], int(batch["mask"].sum())) for batch in batches)
    if not isinstance(images, Iterable):
        raise ZooError(f"images are of type {type(images).__name__}: give a data set, an array or batches of arrays")
    return _padded(images)


def _padded(batches: Iterable[Any]) -> Iterator[tuple[np.ndarray, int]]:
    """The batches, smaller ones padded with zeros to the size of the first."""
    batches = iter(batches)
    first = next(batches, None)
    if first is None:
        return
    for batch in chain([first], batches):
        count, missing = len(batch), max(0, len(first) - len(batch))
        yield np.pad(batch, ((0, missing), *[(0, 0)] * (np.ndim(batch) - 1))) if missing else batch, count
