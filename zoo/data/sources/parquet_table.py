"""Parquet files of images: a row group at a time is decompressed, and a bounded amount of them kept in memory."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet

from zoo.data.errors import DataError
from zoo.data.sources.table_columns import BYTES, Columns, find_columns, naming
from zoo.printable import shown_bytes
from zoo.runtime.regular_file import open_regular, size_of

# Images of a row group, as they are declared and as they are; and those of all row groups that are kept.
MAX_GROUP_BYTES = 2**30
KEPT_BYTES = 2**28
# Rows that are decompressed before the sum of their bytes is looked at again.
ROWS = 16
TEXT_ROWS = 4096


@dataclass(frozen=True)
class ParquetTable:
    """A Parquet file: its columns, and the number of rows of each row group.

    `footer` is pyarrow's: that of a file with thousands of row groups takes longer to read than one of them.
    """

    path: Path
    columns: Columns
    groups: tuple[int, ...]
    footer: Any
    size: int

    def batches(self, column: str) -> Iterator[pa.Array]:
        """A column, in parts. Raises DataError."""
        with _opened(self.path, self.footer, self.size) as file:
            for batch in file.iter_batches(TEXT_ROWS, columns=[column]):
                yield _leaf(batch.column(0))

    def images(self, group: int) -> tuple[list[pa.Array], int]:
        """The encoded images of a row group, in parts of at most ROWS, and their bytes. Raises DataError."""
        name = f"{self.columns.image}.{BYTES}" if self.columns.is_record else self.columns.image
        parts, total = [], 0
        with _opened(self.path, self.footer, self.size) as file:
            for batch in file.iter_batches(ROWS, row_groups=[group], columns=[name], use_threads=False):
                parts.append(_leaf(batch.column(0)))
                total += parts[-1].nbytes
                if total > MAX_GROUP_BYTES:
                    raise _too_large(self.path, total)
        if sum(map(len, parts)) != self.groups[group]:
            raise DataError(f"cannot read {self.path} (row group {group} has other rows than it says): copy it again")
        return parts, total


def open_parquet(path: Path) -> ParquetTable:
    """The footer of a Parquet file. Raises DataError for what is none, or has row groups that are too large."""
    with _opened(path) as file:
        columns, metadata = find_columns(path, file.schema_arrow), file.metadata
        groups = []
        for number in range(metadata.num_row_groups):
            group = metadata.row_group(number)
            chunks = [group.column(index) for index in range(group.num_columns)]
            images = [chunk for chunk in chunks if chunk.path_in_schema.split(".")[0] == columns.image]
            size = sum(chunk.total_uncompressed_size for chunk in images)
            if size > MAX_GROUP_BYTES:
                raise _too_large(path, size)
            groups.append(group.num_rows)
        return ParquetTable(path, columns, tuple(groups), metadata, path.stat().st_size)


class RowGroups:
    """The images of row groups, of which the last used are kept. Threads share it; a pickled copy starts empty."""

    def __init__(self, tables: tuple[ParquetTable, ...]) -> None:
        self._tables, self._lock = tables, Lock()
        self._kept: OrderedDict[tuple[int, int], tuple[list[pa.Array], int]] = OrderedDict()

    def __getstate__(self) -> Any:
        return self._tables

    def __setstate__(self, tables: Any) -> None:
        self.__init__(tables)  # type: ignore[misc]

    def image(self, table: int, group: int, row: int) -> bytes | None:
        """An encoded image; None where the table has none. Raises DataError."""
        # One thread reads a row group, and the others wait for it instead of reading it again.
        with self._lock:
            if (table, group) in self._kept:
                self._kept.move_to_end((table, group))
            else:
                self._kept[table, group] = self._tables[table].images(group)
                while len(self._kept) > 1 and sum(size for _, size in self._kept.values()) > KEPT_BYTES:
                    self._kept.popitem(last=False)
            parts, _ = self._kept[table, group]
        for part in parts:
            if row < len(part):
                return part[row].as_py()
            row -= len(part)
        return None


@contextmanager
def _opened(path: Path, footer: Any = None, size: int | None = None) -> Iterator[parquet.ParquetFile]:
    with naming(path), open_regular(path) as file:
        if size not in (None, size_of(file)):
            raise DataError(f"cannot read {path}: it has changed since it was opened")
        with parquet.ParquetFile(file, metadata=footer) as opened:
            yield opened


def _leaf(array: pa.Array) -> pa.Array:
    """The only field of a record, or the array itself."""
    return array.flatten()[0] if pa.types.is_struct(array.type) else array


def _too_large(path: Path, size: int) -> DataError:
    return DataError(
        f"{path} has a row group with {shown_bytes(size)} of images, more than {shown_bytes(MAX_GROUP_BYTES)}: write "
        "the table again with row_group_size=100"
    )
