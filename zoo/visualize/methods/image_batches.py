"""Images in batches of one size, whatever they come in."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import numpy as np

from zoo.data import Dataset, Preprocessing, Source, eval_batches
from zoo.errors import ZooError

Images = Dataset | Source | np.ndarray | Iterable[np.ndarray]


def batches_of(
    images: Images, preprocessing: Preprocessing | None, batch_size: int
) -> Iterator[tuple[np.ndarray, int]]:
    """([batch, height, width, channel], how many of them are images, the rest being zeros at the end).

    Of a `Dataset` the test split, or a `Source`, both with their preprocessing, as uint8; of an array, or an iterable
    of arrays, normalised floats as they are. Raises ZooError for anything else.
    """
    if batch_size < 1:
        raise ZooError(f"the batch size is {batch_size}: it is one image at least")
    if isinstance(images, Dataset):
        images = images.test
    if len(getattr(images, "shape", ())) == 4:
        return _padded(images[start : start + batch_size] for start in range(0, len(images), batch_size))
    if hasattr(images, "__getitem__") and not isinstance(images, list | tuple):
        if preprocessing is None:
            raise ZooError("a data set has images of 0 to 255: give the weights' preprocessing too")
        made = eval_batches(images, preprocessing=preprocessing, batch_size=batch_size)
        return ((batch["image"], int(batch["mask"].sum())) for batch in made)
    if not isinstance(images, Iterable):
        raise ZooError(f"images are a {type(images).__name__}: give a data set, an array or batches of arrays")
    return _padded(images)


def _padded(batches: Iterable[Any]) -> Iterator[tuple[np.ndarray, int]]:
    """The batches, smaller ones filled up to the size of the first."""
    batches = iter(batches)
    first = next(batches, None)
    if first is None:
        return
    for batch in chain([first], batches):
        count, missing = len(batch), max(0, len(first) - len(batch))
        yield np.pad(batch, ((0, missing), *[(0, 0)] * (np.ndim(batch) - 1))) if missing else batch, count
