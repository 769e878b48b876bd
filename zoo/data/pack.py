"""Writes a data set of any source as a pack: a few large files, read in any order as fast as the disk is."""

import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
from PIL import Image
from safetensors.numpy import save_file

from zoo.data.class_counts import label_of
from zoo.data.dataset import Dataset, Source
from zoo.data.errors import DataError
from zoo.data.image_limits import MAX_FILE_SIZE
from zoo.data.sources.folder import FolderSource
from zoo.data.sources.packed import (
    LABELS,
    MAX_IMAGES_PER_FILE,
    RECORD,
    UNFINISHED,
    WRITER_OPTIONS,
    PackRecord,
    check_utf8,
    file_names,
)
from zoo.data.sources.shard_dataset import check_class_names
from zoo.errors import ZooError
from zoo.printable import one_line, printable
from zoo.runtime.process import interruptible
from zoo.runtime.regular_file import MAX_RECORD_SIZE, read_regular
from zoo.runtime.system_errors import error_number, reason


def pack(dataset: Dataset, out: Path) -> None:
    """Write both splits into the new folder `out`, with the classes and the source.

    Encoded images are copied byte by byte, in their order; pixels in memory become PNG. The folder has its name when
    all is written, and nothing is left of it otherwise, but after a kill a folder whose name ends in .unfinished.
    Raises ZooError where `out` or that folder is there, for an image that cannot be read, and for a full disk.
    """
    splits = {"train": dataset.train, "test": dataset.test}
    record = PackRecord(
        version=1,
        name=dataset.name,
        class_names=dataset.class_names,
        train=len(dataset.train),
        test=len(dataset.test),
        split=dataset.split,
        origin=dataset.place.describe(),
    )
    check_class_names(record.class_names, dataset.name)
    text = msgspec.json.encode(record)
    if len(text) > MAX_RECORD_SIZE or not all(map(len, splits.values())):
        raise ZooError(f"{dataset.name} cannot be packed: it has no images in a split, or too long names of classes")
    with _new_folder(out) as folder:
        columns: dict[str, np.ndarray] = {}
        for split, source in splits.items():
            labels = [label_of(source, index) for index in range(len(source))]
            columns[f"{split}_labels"] = np.array(labels, np.int64)
            names = "\0".join(_names(split, source)).encode("utf-8", "surrogateescape")
            columns[f"{split}_files"] = np.frombuffer(names, np.uint8)
            for number, name in enumerate(file_names(split, len(source))):
                start = number * MAX_IMAGES_PER_FILE
                _write_records(folder / name, source, range(start, min(start + MAX_IMAGES_PER_FILE, len(source))))
        save_file(columns, folder / LABELS)
        (folder / RECORD).write_bytes(text)
        for file in folder.iterdir():
            with file.open("rb") as written:
                os.fsync(written.fileno())


@contextmanager
def _new_folder(out: Path) -> Iterator[Path]:
    """A folder to write to, which gets its name at the end, or is removed where writing fails."""
    try:
        if out.exists() or out.is_symlink():
            raise ZooError(f"{out} is there already: name a new folder")
        check_utf8(out)
        unfinished = out.with_name(out.name + UNFINISHED)
        unfinished.mkdir()
    except FileExistsError:
        raise ZooError(
            f"{unfinished} is there: another process packs, or was killed; then remove it, and pack again"
        ) from None
    except OSError as error:
        raise ZooError(f"cannot write {out}: {reason(error)}") from None
    try:
        with interruptible():
            yield unfinished
            unfinished.rename(out)
    except BaseException as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        if isinstance(error, ZooError) or not (isinstance(error, OSError) or error_number(error)):
            raise
        raise ZooError(f"cannot write {out}: {reason(error)}") from None


def _write_records(path: Path, source: Source, indices: range) -> None:
    from array_record.python.array_record_module import ArrayRecordReader, ArrayRecordWriter

    try:
        writer = ArrayRecordWriter(str(path), WRITER_OPTIONS)
        for index in indices:
            writer.write(_encoded(source, index))
        writer.close()
        reader = ArrayRecordReader(str(path))
        written = reader.num_records()
        reader.close()
    except RuntimeError as error:
        raise ZooError(f"cannot write {path}: {reason(error) if error_number(error) else one_line(error)}") from None
    if written != len(indices):
        raise ZooError(f"cannot write {path}: {written} of {len(indices)} images are there; is the disk full?")


def _encoded(source: Source, index: int) -> bytes:
    if isinstance(source, FolderSource):
        path = source.path(index)
        try:
            return read_regular(path, MAX_FILE_SIZE)
        except OSError as error:
            raise DataError(f"cannot read the image {path}: {reason(error)}") from None
    encoded = getattr(source, "encoded", None)
    return encoded(index) if encoded else _png(source[index]["image"])


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(file, "PNG")
    return file.getvalue()


def _names(split: str, source: Source) -> list[str]:
    files = getattr(source, "files", None)
    if files is None:
        return [f"{split}/{index:07}" for index in range(len(source))]
    return [file.replace("\0", printable("\0")) for file in files]
