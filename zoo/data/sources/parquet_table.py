"""Parquet files of images: row groups are decompressed one at a time, and a bounded number is kept in memory."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from threading import Lock
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet

from zoo.data.errors import DataError
from zoo.data.sources.parquet_pages import check_pages, expansion_limit
from zoo.data.sources.table_columns import BYTES, Columns, find_columns, naming
from zoo.printable import shown_bytes
from zoo.runtime.regular_file import open_regular, size_of

# Images of a row group, as they are declared and as they are; and those of all row groups that are kept.
MAX_GROUP_BYTES = 2**30
KEPT_BYTES = 2**28
# Rows that are decompressed before the sum of their bytes is looked at again, and bytes that equal values may take.
ROWS = 16
TEXT_ROWS = 4096
BATCH_BYTES = 2**26
# Of the description at the end of a file: pyarrow's takes many times as much memory.
MAX_FOOTER = 2**24


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
        with _opened(self.path, self.footer, self.size) as (table, file):
            rows = _rows_within(file, _chunks(self.footer, range(len(self.groups)), column), TEXT_ROWS)
            for batch in table.iter_batches(rows, columns=[column]):
                yield _leaf(batch.column(0))

    def images(self, group: int) -> tuple[list[pa.Array], int]:
        """The encoded images of a row group, in parts of at most ROWS, and their bytes. Raises DataError."""
        name = f"{self.columns.image}.{BYTES}" if self.columns.is_record else self.columns.image
        parts, total = [], 0
        with _opened(self.path, self.footer, self.size) as (table, file):
            chunks = _chunks(self.footer, [group], name)
            limit = min(MAX_GROUP_BYTES, sum(map(expansion_limit, chunks)))
            rows = _rows_within(file, chunks, ROWS)
            for batch in table.iter_batches(rows, row_groups=[group], columns=[name], use_threads=False):
                parts.append(_leaf(batch.column(0)))
                total += parts[-1].nbytes
                if total > limit:
                    raise _too_large(self.path, limit)
        if sum(map(len, parts)) != self.groups[group]:
            raise DataError(f"cannot read {self.path} (row group {group} has other rows than it says): copy it again")
        return parts, total


def open_parquet(path: Path) -> ParquetTable:
    """The footer of a Parquet file. Raises DataError for another kind of file, and for too large row groups."""
    with _opened(path) as (table, file):
        columns, footer = find_columns(path, table.schema_arrow), table.metadata
        for number in range(footer.num_row_groups):
            size = sum(chunk.total_uncompressed_size for chunk in _chunks(footer, [number], columns.image))
            if size > MAX_GROUP_BYTES:
                raise _too_large(path, MAX_GROUP_BYTES)
        rows = tuple(footer.row_group(number).num_rows for number in range(footer.num_row_groups))
        return ParquetTable(path, columns, rows, footer, size_of(file))


class RowGroups:
    """The images of row groups, of which the last used are kept. Threads share it; a pickled copy starts empty."""

    def __init__(self, tables: tuple[ParquetTable, ...]) -> None:
        self._tables, self._lock = tables, Lock()
        # What is wrong with a row group is kept as well: it is said of each of its images.
        self._kept: OrderedDict[tuple[int, int], tuple[list[pa.Array] | DataError, int]] = OrderedDict()

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
                self._kept[table, group] = self._read(table, group)
                while len(self._kept) > 1 and sum(size for _, size in self._kept.values()) > KEPT_BYTES:
                    self._kept.popitem(last=False)
            parts, _ = self._kept[table, group]
        if isinstance(parts, DataError):
            raise DataError(str(parts))
        for part in parts:
            if row < len(part):
                return part[row].as_py()
            row -= len(part)
        return None

    def _read(self, table: int, group: int) -> tuple[list[pa.Array] | DataError, int]:
        try:
            return self._tables[table].images(group)
        except DataError as error:
            return error, 0


@contextmanager
def _opened(
    path: Path, footer: Any = None, size: int | None = None
) -> Iterator[tuple[parquet.ParquetFile, BufferedReader]]:
    with naming(path), open_regular(path) as file:
        if size not in (None, size_of(file)):
            raise DataError(f"cannot read {path}: it has changed since it was opened")
        if footer is None:
            _check_footer(path, file)
        with parquet.ParquetFile(file, metadata=footer) as opened:
            yield opened, file


def _check_footer(path: Path, file: BufferedReader) -> None:
    """Raises DataError where the footer would be large: its size is the number before the last four bytes."""
    file.seek(max(0, size_of(file) - 8))
    size = int.from_bytes(file.read(4), "little")
    if size > MAX_FOOTER:
        raise DataError(f"cannot read {path}: it says that it has {shown_bytes(size)} of description; copy it again")


def _chunks(footer: Any, groups: Iterable[int], column: str) -> list[Any]:
    """The parts of a column, or of the fields of a record, in these row groups."""
    found = (footer.row_group(group).column(at) for group in groups for at in range(footer.num_columns))
    return [chunk for chunk in found if f"{chunk.path_in_schema}.".startswith(f"{column}.")]


def _rows_within(file: BufferedReader, chunks: Iterable[Any], rows: int) -> int:
    """How many rows, at most `rows`, may be decompressed at a time. Raises ValueError."""
    return min((check_pages(file, chunk).rows_within(BATCH_BYTES, rows) for chunk in chunks), default=rows)


def _leaf(array: pa.Array) -> pa.Array:
    """The only field of a record, or the array itself."""
    return array.flatten()[0] if pa.types.is_struct(array.type) else array


def _too_large(path: Path, limit: int) -> DataError:
    return DataError(
        f"cannot read {path}: a row group has more than {shown_bytes(limit)} of images; write the table again with "
        "row_group_size=100"
    )
