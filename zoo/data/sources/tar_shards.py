"""Tar shards in the layout of WebDataset, whose images are read in any order without unpacking them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.data.dataset import Dataset
from zoo.data.errors import DataError
from zoo.data.image_limits import MAX_FILE_SIZE
from zoo.data.sources.encoded import EncodedSource
from zoo.data.sources.image_tree import natural_key
from zoo.data.sources.shard_dataset import read_classes, shard_dataset, test_kinds
from zoo.data.sources.shard_files import ShardFiles
from zoo.data.sources.splits import Kind
from zoo.data.sources.tar_cache import read_index
from zoo.data.sources.tar_index import TarIndex
from zoo.errors import list_some
from zoo.runtime.regular_file import open_regular, size_of
from zoo.runtime.system_errors import reason

# Of a class that is a number.
MAX_DIGITS = 10


@dataclass(frozen=True, repr=False, eq=False)
class TarStore:
    """Images within tar files: `shards` are their paths with their sizes, `members` the images' names.

    `shard`, `offset` and `size`, int64 [n], say which file and which of its bytes an image is.
    """

    shards: tuple[tuple[Path, int], ...]
    members: tuple[str, ...]
    shard: np.ndarray
    offset: np.ndarray
    size: np.ndarray

    def encoded(self, row: int) -> bytes:
        """An encoded image. Raises DataError where the shard cannot be read, or is not the one that was opened."""
        path, whole = self.shards[self.shard[row]]
        size = int(self.size[row])
        if size > MAX_FILE_SIZE:
            raise DataError(f"{self.name(row)} is not read: it has more than {MAX_FILE_SIZE // 10**6} MB")
        try:
            with open_regular(path) as file:
                if size_of(file) != whole:
                    raise DataError(f"{self.name(row)} is not read: the shard has changed since it was opened")
                file.seek(int(self.offset[row]))
                return file.read(size)
        except OSError as error:
            raise DataError(f"cannot read {self.name(row)}: {reason(error)}") from error

    def name(self, row: int) -> str:
        """The image's name and its shard."""
        return f"{self.members[row]} in {self.shards[self.shard[row]][0]}"


def open_tar(shards: ShardFiles) -> Dataset:
    """Open tar shards (see `tar_index` for what is in them, and `shard_files` for their splits).

    Classes that are all numbers are named by classes.txt beside the shards, one name a line, else by their numbers;
    others are the names, the same in all splits. Each shard is indexed once. Raises DataError, also for one bad shard,
    and OSError.
    """
    indices = {kind: [read_index(shards.path(file)) for file in files] for kind, files in shards.splits.items()}
    labels = _labels_of_texts(shards, indices)
    names = read_classes(shards.folder) if all(map(_is_number, labels)) else tuple(labels)
    sources = {kind: _source(shards, kind, indices[kind], labels) for kind in indices}
    tests = [(kind, sources[kind]) for kind in test_kinds(shards)]
    return shard_dataset(shards, sources[shards.training], tests, names, has_names=True)


def _labels_of_texts(shards: ShardFiles, indices: Mapping[Kind | None, Sequence[TarIndex]]) -> dict[str, int]:
    """The label of each text that stands for a class: the number that it is, or its index among the sorted names."""
    splits = [{text for index in split for text in index.classes} for split in indices.values()]
    every = set().union(*splits)
    if all(map(_is_number, every)):
        return {text: int(text) for text in every}
    for classes in splits[1:]:
        if differing := classes ^ splits[0]:
            raise DataError(
                f"the classes of the splits of {shards.folder} differ: only some of them have {list_some(differing)}"
            )
    return {name: label for label, name in enumerate(sorted(every, key=natural_key))}


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isdecimal() and len(text) <= MAX_DIGITS


def _source(
    shards: ShardFiles, kind: Kind | None, indices: Sequence[TarIndex], label_of: Mapping[str, int]
) -> EncodedSource:
    files = shards.splits[kind]
    sizes = [shards.path(file).stat().st_size for file in files]
    members = tuple(member for index in indices for member in index.files)
    labels = [np.array([label_of[text] for text in index.classes], np.int64)[index.labels] for index in indices]
    store = TarStore(
        tuple((shards.path(file), size) for file, size in zip(files, sizes, strict=True)),
        members,
        np.repeat(np.arange(len(files)), [len(index.files) for index in indices]),
        np.concatenate([index.offsets for index in indices]),
        np.concatenate([index.sizes for index in indices]),
    )
    return EncodedSource(store, np.arange(len(members)), np.concatenate(labels), _names(members, files, store))


def _names(members: tuple[str, ...], files: Sequence[str], store: TarStore) -> tuple[str, ...]:
    """The members' names, after that of their shard where several shards have the same."""
    if len(set(members)) == len(members):
        return members
    return tuple(f"{files[shard]}/{member}" for shard, member in zip(store.shard.tolist(), members, strict=True))
