"""Arrow files and streams of images, as `save_to_disk` of the `datasets` library writes them, read in place.

The formats: https://arrow.apache.org/docs/format/Columnar.html. The file is mapped into
memory, and no part of it is copied.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import pyarrow as pa

from zoo.data.errors import DataError
from zoo.data.sources.table_columns import BYTES, Columns, find_columns, naming
from zoo.runtime.regular_file import open_regular

FILE_MAGIC = b"ARROW1\0\0"
# Of the flatbuffers that describe a part of a file: fields of a Message, and of a RecordBatch in it.
HEADER, COMPRESSION = 2, 3


@dataclass(frozen=True)
class ArrowTable:
    """An Arrow file: its columns, the number of rows of each batch, and its bytes."""

    path: Path
    columns: Columns
    groups: tuple[int, ...]
    size: int

    def batches(self, column: str) -> Iterator[pa.Array]:
        """A column, a batch at a time. Raises DataError."""
        name, _, field = column.partition(".")
        with naming(self.path):
            for chunk in _read(self.path).column(name).chunks:
                # Damaged offsets would be followed out of the file.
                chunk.validate(full=True)
                yield chunk.flatten()[chunk.type.get_field_index(field)] if field else chunk


def open_arrow(path: Path) -> ArrowTable:
    """The columns of an Arrow file or stream. Raises DataError for another kind, and damaged or compressed ones."""
    with naming(path):
        table = _read(path)
        columns = find_columns(path, table.schema)
        groups = tuple(len(chunk) for chunk in table.column(columns.label).chunks)
        return ArrowTable(path, columns, groups, path.stat().st_size)


class ArrowImages:
    """The images of Arrow files, which are opened when they are first used. A pickled copy opens them again."""

    def __init__(self, tables: tuple[ArrowTable, ...]) -> None:
        self._tables, self._lock = tables, Lock()
        self._opened: dict[int, list[pa.Array]] = {}

    def __getstate__(self) -> Any:
        return self._tables

    def __setstate__(self, tables: Any) -> None:
        self.__init__(tables)  # type: ignore[misc]

    def image(self, table: int, group: int, row: int) -> bytes | None:
        """An encoded image; None where the table has none. Raises DataError."""
        with self._lock:
            if table not in self._opened:
                columns = self._tables[table].columns
                name = f"{columns.image}.{BYTES}" if columns.is_record else columns.image
                self._opened[table] = list(self._tables[table].batches(name))
            chunks = self._opened[table]
        if group >= len(chunks) or row >= len(chunks[group]):
            raise DataError(f"{self._tables[table].path} has changed since it was opened")
        return chunks[group][row].as_py()


def _read(path: Path) -> pa.Table:
    # Refused where it is a pipe or a device, which mapping it would wait for.
    with open_regular(path) as file:
        is_file = file.read(len(FILE_MAGIC)) == FILE_MAGIC
    _check_messages(path, len(FILE_MAGIC) if is_file else 0)
    with _mapped(path) as source:
        opened = pa.ipc.open_file(source) if is_file else pa.ipc.open_stream(source)
        return opened.read_all()


@contextmanager
def _mapped(path: Path) -> Iterator[pa.MemoryMappedFile]:
    with pa.memory_map(str(path)) as source:
        yield source


def _check_messages(path: Path, start: int) -> None:
    """Raises DataError for compressed parts: they expand to any size, and can only be read from their start."""
    with _mapped(path) as source:
        source.seek(start)
        for message in pa.ipc.MessageReader.open_stream(source):
            if message.type == "record batch" and _is_compressed(message.metadata.to_pybytes()):
                raise DataError(f"{path} is compressed, and cannot be read in place: write it without, or as Parquet")


def _is_compressed(metadata: bytes) -> bool:
    try:
        (message,) = struct.unpack_from("<I", metadata)
        place = _field(metadata, message, HEADER)
        batch = place + struct.unpack_from("<I", metadata, place)[0]
        return bool(_field(metadata, batch, COMPRESSION))
    except struct.error:
        raise DataError("a part does not describe itself") from None


def _field(metadata: bytes, table: int, number: int) -> int:
    """The offset of a field of a flatbuffers table; 0 where it is absent."""
    vtable = table - struct.unpack_from("<i", metadata, table)[0]
    (size,) = struct.unpack_from("<H", metadata, vtable)
    offset = 4 + 2 * number
    found = struct.unpack_from("<H", metadata, vtable + offset)[0] if offset + 2 <= size else 0
    return table + found if found else 0
