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
from zoo.data.sources.shard_dataset import check_class_names, check_labels
from zoo.printable import one_line
from zoo.runtime.record_types import ClassNames, Count
from zoo.runtime.records import as_record, parse_json
from zoo.runtime.regular_file import open_regular, read_regular

RECORD, LABELS = "zoo-pack.json", "labels.safetensors"
# Of the folder that a pack is written in, until it is complete.
UNFINISHED = ".unfinished"
MAX_IMAGES_PER_FILE = 10_000
# A record is read alone; encoded images are not compressed again.
WRITER_OPTIONS = "group_size:1,uncompressed"
# Bytes of the header of a safetensors file, which has four arrays.
MAX_HEADER = 2**16
# Of an image: a limit of their mean.
NAME_BYTES = 500
PACK_AGAIN = "pack it again"

Text = Annotated[str, Meta(max_length=5000)]


@dataclass(frozen=True)
class PackRecord:
    """zoo-pack.json: the name, the classes, the images of both splits, their division, and where they come from."""

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
    """Whether a folder is a pack, or one that was not completed or copied."""
    return (folder / RECORD).is_file() or (folder / LABELS).is_file() or folder.name.endswith(UNFINISHED)


def open_pack(folder: Path) -> Dataset:
    """Open a pack. Raises DataError for one that is unfinished or damaged, InvalidRecord, and OSError."""
    where = folder / RECORD
    if not where.is_file():
        raise DataError(f"{folder} is an unfinished pack, without {RECORD}: remove it, and {PACK_AGAIN}")
    check_utf8(folder)
    record = as_record(parse_json(read_regular(where), str(where)), PackRecord, str(where))
    check_class_names(record.class_names, str(where))
    # What the record says is true before labels are read for so many images.
    records = {split: _open_records(folder, split, getattr(record, split)) for split in ("train", "test")}
    columns = _read_columns(folder / LABELS, record)
    train, test = (_source(folder, record, split, records[split], columns) for split in records)
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


def check_utf8(folder: Path) -> None:
    """Raises DataError for a folder whose name array_record's reader and writer do not take."""
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        raise DataError(f"the name of {folder} is not UTF-8: array_record files need a folder whose name is") from None


def _read_columns(path: Path, record: PackRecord) -> dict[str, np.ndarray]:
    """The labels and the files' names of both splits. Raises DataError where they are not those of the record."""
    # Refused where it is a pipe or a device, which the reader would wait for.
    with open_regular(path) as file:
        if int.from_bytes(file.read(8), "little") > MAX_HEADER:
            raise DataError(f"{path} has a header of more than {MAX_HEADER:,} bytes: {PACK_AGAIN}")
    kinds = {"labels": ("I64", lambda shape, images: shape == [images]), "files": ("U8", _is_names)}
    found = {}
    try:
        with safe_open(path, "numpy") as arrays:
            for split, images in (("train", record.train), ("test", record.test)):
                for column, (kind, fits) in kinds.items():
                    stored = arrays.get_slice(f"{split}_{column}")
                    # Before it is read: a file can have any size, and little of it on the disk.
                    if stored.get_dtype() != kind or not fits(stored.get_shape(), images):
                        raise DataError(f"{path} has other {column} than {RECORD} says: {PACK_AGAIN}")
                    found[f"{split}_{column}"] = arrays.get_tensor(f"{split}_{column}")
    except SafetensorError as error:
        raise DataError(f"cannot read {path} ({one_line(error)}): {PACK_AGAIN}") from None
    return found


def _is_names(shape: list[int], images: int) -> bool:
    """Whether an array of bytes has room for so many names, and not for much longer ones."""
    return len(shape) == 1 and images - 1 <= shape[0] <= NAME_BYTES * (images + 10)


def _open_records(folder: Path, split: str, images: int) -> Any:
    """The records of a split. Raises DataError where there are not so many."""
    from array_record.python.array_record_data_source import ArrayRecordDataSource

    names = file_names(split, images)
    try:
        count = sum(_check_records(folder / name) for name in names)
        if count != images or not images:
            raise DataError(f"{folder} has {count} {split} images, and {RECORD} says {images}: {PACK_AGAIN}")
        return ArrayRecordDataSource([str(folder / name) for name in names])
    except (OSError, DataError):
        raise
    except Exception as error:  # the class depends on the reader, which is in C++
        raise DataError(f"cannot read the {split} files of {folder} ({one_line(error)}): {PACK_AGAIN}") from None


def _source(
    folder: Path, record: PackRecord, split: str, records: Any, columns: dict[str, np.ndarray]
) -> EncodedSource:
    labels = columns[f"{split}_labels"]
    files = tuple(columns[f"{split}_files"].tobytes().decode("utf-8", "surrogateescape").split("\0"))
    if len(files) != len(labels):
        raise DataError(f"{folder / LABELS} has {len(files)} names of {len(labels)} {split} images: {PACK_AGAIN}")
    source = EncodedSource(PackStore(folder, records, files), np.arange(len(labels)), labels, files)
    check_labels(source, len(record.class_names))
    return source


def _check_records(path: Path) -> int:
    """The number of records of an array_record file. Raises DataError where they may be compressed."""
    from array_record.python.array_record_module import ArrayRecordReader

    # Refused where it is a pipe or a device, which the reader would wait for.
    open_regular(path).close()
    reader = ArrayRecordReader(str(path))
    try:
        options = (reader.writer_options_string() or "").split(",")
        if missing := [option for option in WRITER_OPTIONS.split(",") if option not in options]:
            # A few compressed bytes can stand for gigabytes, which the reader would allocate.
            raise DataError(f"{path} was not written with {missing[0]}, as zoo data pack does: {PACK_AGAIN}")
        return int(reader.num_records())
    finally:
        reader.close()
