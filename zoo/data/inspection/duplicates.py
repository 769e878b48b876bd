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
from zoo.data.inspection.places import Place, evenly_spaced, source_at
from zoo.data.sources.folder import FolderSource
from zoo.runtime.regular_file import open_regular

# The end of a compressed image differs where the image does; its start is often that of the camera.
TAIL = 4096
CHUNK = 2**20

Group = tuple[Place, ...]
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Duplicates:
    """Groups of images with the same contents, in the order of the data set, among those that were `compared`."""

    compared: int
    groups: tuple[Group, ...]

    @property
    def copies(self) -> int:
        """How many images are copies of another one."""
        return sum(len(group) - 1 for group in self.groups)


def find_duplicates(dataset: Dataset, *, most_images: float, most_bytes: float) -> Duplicates:
    """Compare at most so many images, evenly spaced, and read at most so many bytes for that.

    Files are compared whole: by their size, then by their end, then by a hash. Examples of other data sets are compared
    by a hash of the encoded image, or of its pixels. What cannot be read is not compared.
    """
    places = evenly_spaced(dataset, most_images)
    if all(isinstance(source, FolderSource) for source in (dataset.train, dataset.test)):
        return _among_files(dataset, places, most_bytes)
    return _among_examples(dataset, places, most_bytes)


def _among_files(dataset: Dataset, places: Sequence[Place], most_bytes: float) -> Duplicates:
    def path(place: Place) -> Path:
        return source_at(dataset, place).path(place.index)  # type: ignore[attr-defined]

    by_size: dict[int, list[Place]] = _grouped(places, lambda place: path(place).stat().st_size)
    compared = sum(map(len, by_size.values()))
    found: list[Group] = []
    # Small groups first: many files of one size are images without compression.
    for size, group in sorted(by_size.items(), key=lambda item: (len(item[1]), item[0])):
        # An empty file is an image that cannot be read.
        if len(group) == 1 or not size:
            continue
        most_bytes -= len(group) * min(TAIL, size)
        alike = [part for part in _grouped(group, lambda place: _tail(path(place))).values() if len(part) > 1]
        most_bytes -= sum(map(len, alike)) * size
        if most_bytes < 0:
            compared -= len(group)
            continue
        for part in alike:
            found += _groups_of_many(_grouped(part, lambda place: _file_hash(path(place))))
    return Duplicates(compared, _in_order(found))


def _among_examples(dataset: Dataset, places: Sequence[Place], most_bytes: float) -> Duplicates:
    encoded = all(hasattr(source, "encoded") for source in (dataset.train, dataset.test))
    by_contents: dict[Hashable, list[Place]] = defaultdict(list)
    # In an order of chance, as it may end before the last: a part of each class, the same on every call.
    for number in np.random.default_rng(0).permutation(len(places)):
        if most_bytes < 0:
            break
        place = places[number]
        try:
            data, shape = _contents(source_at(dataset, place), place.index, encoded=encoded)
        except DataError:
            continue
        most_bytes -= len(data)
        by_contents[hashlib.sha256(data).digest(), shape].append(place)
    compared = sum(map(len, by_contents.values()))
    return Duplicates(compared, _in_order(_groups_of_many(by_contents)))


def _contents(source: Source, index: int, *, encoded: bool) -> tuple[bytes, tuple[int, ...]]:
    """The bytes of the encoded image, else those of its pixels with their shape."""
    if encoded:
        return source.encoded(index), ()  # type: ignore[attr-defined]
    image = source[index]["image"]
    return image.tobytes(), image.shape


def _grouped(places: Iterable[Place], key: Callable[[Place], Key]) -> dict[Key, list[Place]]:
    """The images by their key; those that cannot be read are left out."""
    groups: dict[Key, list[Place]] = defaultdict(list)
    for place in places:
        try:
            groups[key(place)].append(place)
        except (OSError, DataError):
            continue
    return groups


def _groups_of_many(groups: Mapping[Any, Sequence[Place]]) -> list[Group]:
    return [tuple(sorted(group, key=_position)) for group in groups.values() if len(group) > 1]


def _in_order(groups: list[Group]) -> tuple[Group, ...]:
    return tuple(sorted(groups, key=lambda group: _position(group[0])))


def _position(place: Place) -> tuple[bool, int]:
    return place.split == "test", place.index


def _tail(path: Path) -> bytes:
    with open_regular(path) as file:
        file.seek(-min(TAIL, path.stat().st_size), 2)
        return file.read(TAIL)


def _file_hash(path: Path) -> bytes:
    digest = hashlib.sha256()
    with open_regular(path) as file:
        while part := file.read(CHUNK):
            digest.update(part)
    return digest.digest()
