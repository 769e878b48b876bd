"""The sizes and channels of some of the images, and those of them that cannot be read."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from zoo.data.dataset import Dataset
from zoo.data.errors import DataError
from zoo.data.image_shape import Shape
from zoo.data.inspection.image_index import ImageIndex, name_of, source_of

# An image is decoded in as many threads, each with memory of its own.
MAX_THREADS = 2
# Pixels of the smaller side that are decoded, where a format allows less than all.
DECODED_SIDE = 64


@dataclass(frozen=True)
class Unreadable:
    """An image that cannot be read, and why."""

    name: str
    error: str


@dataclass(frozen=True, kw_only=True)
class LookedAt:
    """What was found by looking at some images.

    `smallest`, `median` and `largest` are (height, width) by area, None if none could be read. `unreadable`
    are those that could not be read; `decoded` says whether pixels were decoded, or headers read alone.
    """

    images: int
    decoded: bool
    smallest: tuple[int, int] | None
    median: tuple[int, int] | None
    largest: tuple[int, int] | None
    grey: int
    colour: int
    unreadable: tuple[Unreadable, ...]


def look_at(dataset: Dataset, images: Sequence[ImageIndex], *, decode: bool) -> LookedAt:
    """Look at these images: at their headers, with `decode` at their pixels too."""

    def attempt(image: ImageIndex) -> Shape | Unreadable:
        try:
            return _shape_at(dataset, image, decode)
        except DataError as error:
            return Unreadable(name_of(dataset, image), str(error))

    with ThreadPoolExecutor(min(MAX_THREADS, os.cpu_count() or 1)) as pool:
        found = list(pool.map(attempt, images))
    shapes = sorted((part for part in found if not isinstance(part, Unreadable)), key=lambda shape: shape[0] * shape[1])
    sizes = [shape[:2] for shape in shapes]
    return LookedAt(
        images=len(images),
        decoded=decode,
        smallest=sizes[0] if sizes else None,
        median=sizes[len(sizes) // 2] if sizes else None,
        largest=sizes[-1] if sizes else None,
        grey=sum(shape[2] == 1 for shape in shapes),
        colour=sum(shape[2] == 3 for shape in shapes),
        unreadable=tuple(part for part in found if isinstance(part, Unreadable)),
    )


def _shape_at(dataset: Dataset, image: ImageIndex, decode: bool) -> Shape:
    source = source_of(dataset, image)
    thumbnail, image_shape = (getattr(source, name, None) for name in ("thumbnail", "image_shape"))
    if decode and thumbnail:
        thumbnail(image.index, DECODED_SIDE)
    if image_shape:
        return image_shape(image.index)
    height, width, channels = source[image.index]["image"].shape
    return height, width, channels
