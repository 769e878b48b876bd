"""Data sets in large files, recognised by their contents, and the reader of each kind."""

from collections.abc import Callable
from pathlib import Path

from zoo.data.dataset import Dataset
from zoo.data.errors import DataError
from zoo.data.sources.shard_files import ARROW, PARQUET, TAR, ShardFiles, find_shards
from zoo.data.sources.tar_shards import open_tar


def _open_tables(shards: ShardFiles) -> Dataset:
    try:
        from zoo.data.sources.image_tables import open_tables
    except ImportError:
        raise DataError(f"reading {shards.where} needs pyarrow: pip install pyarrow") from None
    return open_tables(shards)


READERS: dict[str, Callable[[ShardFiles], Dataset]] = {TAR: open_tar, PARQUET: _open_tables, ARROW: _open_tables}


def has_shards(path: Path) -> bool:
    """Whether the path is a shard, or a folder with shards in it or below. Raises DataError and OSError."""
    return find_shards(path) is not None


def open_shards(path: Path) -> Dataset:
    """The data set of a shard or of a folder of them. Raises DataError and OSError."""
    shards = find_shards(path)
    if shards is None:
        raise DataError(f"{path} holds no shards any more")
    return READERS[shards.kind](shards)
