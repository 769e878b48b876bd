"""Images with the same contents: copies within a split, and across splits, where a test measures what was learned."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from zoo.data.dataset import Dataset, Source
from zoo.data.errors import DataError
from zoo.data.inspection.image_index import ImageIndex, evenly_spaced, source_of
from zoo.data.sources.folder import FolderSource
from zoo.runtime.regular_file import open_regular

# The end of a compressed image differs where the image does; its start is often that of the camera.
TAIL = 4096

Group = tuple[ImageIndex, ...]
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class FoundCopies:
    """Groups of images with the same contents, in the order of the data set, among those that were `compared`."""

    compared: int
    groups: tuple[Group, ...]


def find_copies(dataset: Dataset, *, max_images: float, max_bytes: float) -> FoundCopies:
    """Compare at most so many images, evenly spaced, and read at most so many bytes for that.

    Files are compared whole: by their size, then by their end, then by a hash. Examples of other data sets are compared
    by a hash of the encoded image, or of its pixels. What cannot be read is not compared.
    """
    images = evenly_spaced(dataset, max_images)
    if all(isinstance(source, FolderSource) for source in (dataset.train, dataset.test)):
        return _among_files(dataset, images, max_bytes)
    return _among_examples(dataset, images, max_bytes)


def _among_files(dataset: Dataset, images: Sequence[ImageIndex], max_bytes: float) -> FoundCopies:
    def path(image: ImageIndex) -> Path:
        return source_of(dataset, image).path(image.index)  # type: ignore[attr-defined]

    by_size: dict[int, list[ImageIndex]] = _grouped(images, lambda image: path(image).stat().st_size)
    compared = sum(map(len, by_size.values()))
    found: list[Group] = []
    # Small groups first: many files of one size are images without compression.
    for size, group in sorted(by_size.items(), key=lambda item: (len(item[1]), item[0])):
        # An empty file is an image that cannot be read.
        if len(group) == 1 or not size:
            continue
        max_bytes -= len(group) * min(TAIL, size)
        alike = [part for part in _grouped(group, lambda image: _tail(path(image))).values() if len(part) > 1]
        max_bytes -= sum(map(len, alike)) * size
        if max_bytes < 0:
            compared -= len(group)
            continue
        for part in alike:
            found += _groups_of_many(_grouped(part, lambda image: _file_hash(path(image))))
    return FoundCopies(compared, _in_order(found))


def _among_examples(dataset: Dataset, images: Sequence[ImageIndex], max_bytes: float) -> FoundCopies:
    encoded = all(hasattr(source, "encoded") for source in (dataset.train, dataset.test))
    by_contents: dict[Hashable, list[ImageIndex]] = defaultdict(list)
    # In an order of chance, as it may end before the last: a part of each class, the same on every call.
    for number in np.random.default_rng(0).permutation(len(images)):
        if max_bytes < 0:
            break
        image = images[number]
        try:
            data, shape = _contents(source_of(dataset, image), image.index, encoded=encoded)
        except DataError:
            continue
        max_bytes -= len(data)
        by_contents[hashlib.sha256(data).digest(), shape].append(image)
    compared = sum(map(len, by_contents.values()))
    return FoundCopies(compared, _in_order(_groups_of_many(by_contents)))


def _contents(source: Source, index: int, *, encoded: bool) -> tuple[bytes, tuple[int, ...]]:
    """The bytes of the encoded image, else those of its pixels with their shape."""
    if encoded:
        return source.encoded(index), ()  # type: ignore[attr-defined]
    image = source[index]["image"]
    return image.tobytes(), image.shape


def _grouped(images: Iterable[ImageIndex], key: Callable[[ImageIndex], Key]) -> dict[Key, list[ImageIndex]]:
    """The images by their key; those that cannot be read are left out."""
    groups: dict[Key, list[ImageIndex]] = defaultdict(list)
    for image in images:
        try:
            groups[key(image)].append(image)
        except (OSError, DataError):
            continue
    return groups


def _groups_of_many(groups: Mapping[Any, Sequence[ImageIndex]]) -> list[Group]:
    return [tuple(sorted(group, key=_position)) for group in groups.values() if len(group) > 1]


def _in_order(groups: list[Group]) -> tuple[Group, ...]:
    return tuple(sorted(groups, key=lambda group: _position(group[0])))


def _position(image: ImageIndex) -> tuple[bool, int]:
    return image.split == "test", image.index


def _tail(path: Path) -> bytes:
    with open_regular(path) as file:
        file.seek(-min(TAIL, path.stat().st_size), 2)
        return file.read(TAIL)


def _file_hash(path: Path) -> bytes:
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").digest()
