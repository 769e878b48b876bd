"""Where TFDS keeps data sets, and which files there are its own; without TFDS, whose import takes seconds."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from zoo.runtime.cache_entries import CacheEntry, exclusive, files_in, subfolders

# NAME/VERSION, or NAME/CONFIG/VERSION.
DEPTH = 3
PREPARED = "dataset_info.json"
# Of a preparation that was killed.
UNFINISHED = ".preparing-"


def tfds_folder() -> str:
    """TFDS_DATA_DIR if it is set, else the folder of TFDS's own; ~ is not replaced."""
    # TFDS reads the variable as well, but only once, when it is imported.
    return os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"


def prepared_datasets(root: Path) -> Iterator[CacheEntry]:
    """The data sets that TFDS has prepared in its folder, what it has downloaded, and what is left of preparations.

    What was downloaded by hand is no entry, nor are the folders of images that people put there.
    """
    unless_preparing = partial(exclusive, root)
    for folder in subfolders(root):
        if folder.name.startswith(UNFINISHED):
            yield CacheEntry(folder, unless_preparing)
        elif folder.name == "downloads":
            for path in _downloads(folder):
                yield CacheEntry(path, unless_preparing)
        else:
            for path in _prepared(folder, DEPTH - 1):
                yield CacheEntry(path, partial(exclusive, path))


def _prepared(folder: Path, depth: int) -> Iterator[Path]:
    if (folder / PREPARED).is_file() or folder.name.startswith(UNFINISHED):
        yield folder
    elif depth:
        for inner in subfolders(folder):
            yield from _prepared(inner, depth - 1)


def _downloads(folder: Path) -> Iterator[Path]:
    """TFDS writes a file with .INFO beside each download, and extracts archives into a folder of that name."""
    yield from subfolders(folder / "extracted")
    for info in files_in(folder):
        if info.suffix == ".INFO":
            yield from (path for path in (info.with_suffix(""), info) if path.exists())
