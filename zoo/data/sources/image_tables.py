"""Parquet and Arrow tables of images in the layout of the `datasets` library."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from zoo.data.dataset import Dataset
from zoo.data.errors import DataError
from zoo.data.image_limits import MAX_FILE_SIZE
from zoo.data.origin import class_changes
from zoo.data.sources.arrow_table import ArrowImages, ArrowTable, open_arrow
from zoo.data.sources.encoded import EncodedSource
from zoo.data.sources.parquet_table import KEPT_BYTES, ParquetTable, RowGroups, open_parquet
from zoo.data.sources.shard_dataset import NO_LABEL, read_classes, shard_dataset, test_kinds
from zoo.data.sources.shard_files import ARROW, PARQUET, ShardFiles
from zoo.data.sources.table_columns import PATH, naming
from zoo.printable import shell_command, shown_bytes

Table = ParquetTable | ArrowTable
Images = RowGroups | ArrowImages
OPENERS: Mapping[str, Callable[[Path], Table]] = {PARQUET: open_parquet, ARROW: open_arrow}
# Of all tables of a split: a few bytes can stand for any number of equal rows.
MAX_ROWS = 2 * 10**7
# A smaller image has not been encoded; so many rows may be beyond what the file has images for.
MIN_IMAGE_BYTES, FREE_ROWS = 40, 10**6
MAX_PATH_BYTES = 2**27


@dataclass(frozen=True, repr=False, eq=False)
class TableStore:
    """Images in tables, whose files are `paths`. Rows are numbered over all tables.

    `starts`, int64 [n], are the first rows of all row groups, `tables` and `groups` say which these are; `first_rows`
    are the first rows of the tables.
    """

    images: Images
    paths: tuple[Path, ...]
    starts: np.ndarray
    tables: np.ndarray
    groups: np.ndarray
    first_rows: np.ndarray

    def encoded(self, row: int) -> bytes:
        """An encoded image. Raises DataError where there is none, or it cannot be read."""
        at = int(np.searchsorted(self.starts, row, "right")) - 1
        table, group = int(self.tables[at]), int(self.groups[at])
        found = self.images.image(table, group, row - int(self.starts[at]))
        if found is None:
            raise DataError(f"{self.name(row)} has no image: write the table with the bytes, not with paths alone")
        if len(found) > MAX_FILE_SIZE:
            raise DataError(f"{self.name(row)} is not read: it has more than {MAX_FILE_SIZE // 10**6} MB")
        return found

    def name(self, row: int) -> str:
        """The row's number in its table."""
        at = int(np.searchsorted(self.starts, row, "right")) - 1
        table = int(self.tables[at])
        return f"row {row - int(self.first_rows[table])} of {self.paths[table]}"


def open_tables(shards: ShardFiles) -> Dataset:
    """Open Parquet or Arrow tables (see `table_columns` for their columns, and `shard_files` for their splits).

    The names of the classes are those of the metadata, the same in all tables, else those of classes.txt beside them,
    else the labels. Raises DataError, also for one bad table, and OSError.
    """
    open_table = OPENERS[shards.kind]
    tables = {kind: [open_table(shards.path(file)) for file in files] for kind, files in shards.splits.items()}
    names = _class_names(tables.values()) or read_classes(shards.folder)
    sources = {kind: _source(shards.splits[kind], found) for kind, found in tables.items()}
    tests = [(kind, sources[kind][0]) for kind in test_kinds(shards)]
    train, has_names = sources[shards.training]
    dataset = shard_dataset(shards, train, tests, names, has_names=has_names)
    return replace(dataset, reading=_slow_reading(shards, tables.values()))


def _slow_reading(shards: ShardFiles, splits: Iterable[Sequence[Table]]) -> str:
    """See `Dataset.reading`: of Parquet files the row groups that are kept in memory are few of many."""
    size = sum(table.size for tables in splits for table in tables)
    if shards.kind != PARQUET or size <= KEPT_BYTES:
        return ""
    return (
        f"images in random order are slow to read from {shown_bytes(size)} of Parquet, since each needs its whole row "
        f"group: {shell_command(['zoo', 'data', 'pack', shards.where, 'OUT'])} writes files that are read faster"
    )


def _class_names(splits: Iterable[Sequence[Table]]) -> tuple[str, ...]:
    first, *others = (table for tables in splits for table in tables)
    for table in others:
        if table.columns.class_names != first.columns.class_names:
            changes = class_changes(first.columns.class_names, table.columns.class_names)
            raise DataError(f"{table.path} has other classes than {first.path} ({changes}): write both with the same")
    return first.columns.class_names


def _source(files: Sequence[str], tables: Sequence[Table]) -> tuple[EncodedSource, bool]:
    """The examples of a split, and whether their names are those of files."""
    rows = np.array([sum(table.groups) for table in tables], np.int64)
    limit = min(MAX_ROWS, FREE_ROWS + sum(table.size for table in tables) // MIN_IMAGE_BYTES)
    if not 0 <= rows.sum() <= limit:
        raise DataError(f"{tables[0].path.parent} has tables of {rows.sum():,} rows, more than {limit:,}")
    labels = np.concatenate([_labels(table) for table in tables])
    sizes = np.array([size for table in tables for size in table.groups], np.int64)
    first_rows = np.cumsum(rows) - rows
    store = TableStore(
        _images(tables),
        tuple(table.path for table in tables),
        np.cumsum(sizes) - sizes,
        np.repeat(np.arange(len(tables)), [len(table.groups) for table in tables]),
        np.array([group for table in tables for group in range(len(table.groups))], np.int64),
        first_rows,
    )
    paths = _paths(tables)
    has_names = paths is not None and len(set(paths)) == len(paths)
    names = tuple(f"{file}:{row}" for file, count in zip(files, rows, strict=True) for row in range(count))
    return EncodedSource(store, np.arange(len(labels)), labels, paths if paths and has_names else names), has_names


def _images(tables: Sequence[Table]) -> Images:
    parquet = tuple(table for table in tables if isinstance(table, ParquetTable))
    return RowGroups(parquet) if parquet else ArrowImages(tuple(t for t in tables if isinstance(t, ArrowTable)))


def _labels(table: Table) -> np.ndarray:
    """int64 [rows]; -1 where there is none."""
    with naming(table.path):
        parts = [part.cast(pa.int64()).fill_null(NO_LABEL) for part in table.batches(table.columns.label)]
    labels = np.concatenate([np.zeros(0, np.int64), *(part.to_numpy(zero_copy_only=False) for part in parts)])
    if len(labels) != sum(table.groups):
        raise DataError(f"{table.path} has {len(labels)} labels of {sum(table.groups)} images: write it again")
    return labels


def _paths(tables: Sequence[Table]) -> tuple[str, ...] | None:
    """The paths that the images had; None where one is not known."""
    found: list[str] = []
    size = 0
    for table in tables:
        if not table.columns.has_paths:
            return None
        with naming(table.path):
            for part in table.batches(f"{table.columns.image}.{PATH}"):
                size += part.nbytes
                if part.null_count or size > MAX_PATH_BYTES:
                    return None
                found += part.to_pylist()
    return tuple(found) if all(found) else None
