"""Where TFDS keeps data sets, and which files there are its own; without TFDS, whose import takes seconds."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from zoo.errors import ZooError
from zoo.runtime.cache_entries import CacheEntry, exclusive, files_in, subfolders
from zoo.runtime.records import as_record, parse_json
from zoo.runtime.regular_file import read_regular

# NAME/VERSION, or NAME/CONFIG/VERSION.
DEPTH = 3
PREPARED = "dataset_info.json"
# Of a preparation that was killed.
UNFINISHED = ".preparing-"
# Of the builders of TFDS, and of ours.
KNOWN_MODULES = ("tensorflow_datasets.", "zoo.")


@dataclass(frozen=True)
class MadeBy:
    """Of TFDS's dataset_info.json: the data set, and the module of its builder."""

    name: str
    moduleName: str = ""


def tfds_folder() -> str:
    """TFDS_DATA_DIR if it is set, else the folder of TFDS's own; ~ is not replaced."""
    # TFDS reads the variable as well, but only once, when it is imported.
    return os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"


def prepared_datasets(root: Path, is_downloaded_by_hand: Callable[[str], bool]) -> Iterator[CacheEntry]:
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
                yield CacheEntry(path, partial(exclusive, path), partial(_why_kept, path, root, is_downloaded_by_hand))


def prepared_folders(root: Path) -> list[Path]:
    """The folders of the data sets that TFDS has prepared."""
    return [path for folder in subfolders(root) for path in _prepared(folder, DEPTH - 1) if (path / PREPARED).is_file()]


def _prepared(folder: Path, depth: int) -> Iterator[Path]:
    if (folder / PREPARED).is_file() or folder.name.startswith(UNFINISHED):
        yield folder
    elif depth:
        for inner in subfolders(folder):
            yield from _prepared(inner, depth - 1)


def _why_kept(prepared: Path, root: Path, is_downloaded_by_hand: Callable[[str], bool]) -> str:
    """Why a data set could perhaps not be prepared again."""
    if prepared.name.startswith(UNFINISHED):
        return ""
    where = str(prepared / PREPARED)
    try:
        made_by = as_record(parse_json(read_regular(where), where), MadeBy, where, allow_unknown=True)
    except ZooError:
        return f"its {PREPARED} cannot be read, so that it is not known who made it"
    if not made_by.moduleName.startswith(KNOWN_MODULES):
        return f"{made_by.moduleName or 'a module'} made it, which is not TFDS's own"
    has_files = any((root / "downloads" / "manual").glob("*"))
    if not has_files and made_by.name != "digits" and is_downloaded_by_hand(made_by.name):
        return "it was made from files that were downloaded by hand, which are not here"
    return ""


def _downloads(folder: Path) -> Iterator[Path]:
    """TFDS writes a file with .INFO beside each download, and extracts archives into a folder of that name."""
    yield from subfolders(folder / "extracted")
    for info in files_in(folder):
        if info.suffix == ".INFO":
            yield from (path for path in (info.with_suffix(""), info) if path.exists())
