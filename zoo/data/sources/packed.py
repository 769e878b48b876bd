"""Data sets that `zoo data pack` has written: array_record files of encoded images, and what the images are.

A pack is a folder with zoo-pack.json, labels.safetensors, and files such as train-00000-of-00002.array_record.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta
from safetensors import SafetensorError, safe_open

from zoo.data.dataset import Dataset, path_safe
from zoo.data.errors import DataError
from zoo.data.image_limits import MAX_FILE_SIZE
from zoo.data.image_shape import typical_shape
from zoo.data.sources.encoded import EncodedSource
from zoo.data.sources.shard_dataset import check_labels
from zoo.printable import one_line
from zoo.runtime.record_types import ClassNames, Count
from zoo.runtime.records import as_record, parse_json
from zoo.runtime.regular_file import open_regular, read_regular

RECORD, LABELS = "zoo-pack.json", "labels.safetensors"
# Of the folder that a pack is written in, until it is complete.
UNFINISHED = ".unfinished"
MAX_IMAGES_PER_FILE = 10_000
PACK_AGAIN = "pack it again"

Text = Annotated[str, Meta(max_length=5000)]


@dataclass(frozen=True)
class PackRecord:
    """zoo-pack.json: the name, the classes, the images of both splits, how they were split, and from where they are."""

    version: Literal[1]
    name: Text
    class_names: ClassNames
    train: Count
    test: Count
    split: Text
    origin: Text


@dataclass(frozen=True, repr=False, eq=False)
class PackStore:
    """Encoded images of array_record files in `folder`, with the `files` that they had."""

    folder: Path
    records: Any
    files: tuple[str, ...]

    def encoded(self, row: int) -> bytes:
        """An encoded image. Raises DataError where it cannot be read."""
        try:
            found = self.records[row]
        except Exception as error:  # the class depends on the reader, which is in C++
            raise DataError(f"cannot read {self.name(row)} ({one_line(error)}): {PACK_AGAIN}") from error
        if len(found) > MAX_FILE_SIZE:
            raise DataError(f"{self.name(row)} is not read: it has more than {MAX_FILE_SIZE // 10**6} MB")
        return found

    def name(self, row: int) -> str:
        """The file that the image was, and the pack."""
        return f"{self.files[row]} in {self.folder}"


def is_pack(folder: Path) -> bool:
    """Whether a folder is a pack, or one that was not completed."""
    return (folder / RECORD).is_file() or folder.name.endswith(UNFINISHED)


def open_pack(folder: Path) -> Dataset:
    """Open a pack. Raises DataError for one that is unfinished or damaged, InvalidRecord, and OSError."""
    where = folder / RECORD
    if not where.is_file():
        raise DataError(f"{folder} is an unfinished pack: remove it, and {PACK_AGAIN}")
    record = as_record(parse_json(read_regular(where), str(where)), PackRecord, str(where))
    columns = _read_columns(folder / LABELS)
    train, test = (_source(folder, record, split, columns) for split in ("train", "test"))
    return Dataset(
        path_safe(record.name),
        train,
        test,
        record.class_names,
        typical_shape(train.image_shape, len(train)),
        split=f"{record.split}; packed from {record.origin}",
    )


def file_names(split: str, images: int) -> list[str]:
    """The names of the array_record files of a split."""
    count = -(-images // MAX_IMAGES_PER_FILE)
    return [f"{split}-{number:05}-of-{count:05}.array_record" for number in range(count)]


def _read_columns(path: Path) -> dict[str, np.ndarray]:
    try:
        with safe_open(path, "numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise DataError(f"cannot read {path} ({one_line(error)}): {PACK_AGAIN}") from None


def _source(folder: Path, record: PackRecord, split: str, columns: dict[str, np.ndarray]) -> EncodedSource:
    from array_record.python.array_record_data_source import ArrayRecordDataSource

    images = getattr(record, split)
    labels, names = columns.get(f"{split}_labels"), columns.get(f"{split}_files")
    if labels is None or names is None or labels.shape != (images,) or labels.dtype != np.int64 or not images:
        raise DataError(f"{folder / LABELS} has other labels than {RECORD} says: {PACK_AGAIN}")
    files = tuple(names.tobytes().decode("utf-8", "surrogateescape").split("\0"))
    paths = [folder / name for name in file_names(split, images)]
    for path in paths:
        # Refused where it is a pipe or a device, which the reader would wait for.
        open_regular(path).close()
    try:
        records = ArrayRecordDataSource([str(path) for path in paths])
    except Exception as error:  # the class depends on the reader, which is in C++
        raise DataError(f"cannot read the {split} files of {folder} ({one_line(error)}): {PACK_AGAIN}") from None
    if len(records) != images or len(files) != images:
        raise DataError(f"{folder} has {len(records)} {split} images, and {RECORD} says {images}: {PACK_AGAIN}")
    source = EncodedSource(PackStore(folder, records, files), np.arange(images), labels, files)
    check_labels(source, len(record.class_names))
    return source
