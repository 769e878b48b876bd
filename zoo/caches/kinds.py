"""The caches: where each is, and which of the files there are its own."""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from zoo.data.sources.hub import hub_folder, kept_datasets
from zoo.data.sources.tar_cache import indices_folder, kept_indices
from zoo.data.sources.tfds_files import prepared_datasets, tfds_folder
from zoo.runtime.cache_entries import CacheEntry, exclusive, files_in, subfolders
from zoo.runtime.cache_folder import cache_folder, programs_folder
from zoo.runtime.home_folder import expand_home
from zoo.weights.cached_files import cached_weights

# JAX's names of compiled programs and of the times when they were used.
PROGRAM_ENDS = ("-cache", "-atime")
# A folder beside them, of XLA on GPUs.
TUNING_START = "xla_gpu_"
# JAX holds it only while it reads or writes a program, and only where the size of its cache is limited.
PROGRAM_LOCK, PROGRAM_LOCK_SECONDS = ".lockfile", 2.0
FONT_LIST = re.compile(r"fontlist-v[\w.]+\.json")


@dataclass(frozen=True)
class Cache:
    """A folder of files that can be made again; other files in it are not listed.

    `locate` gives the folder and raises ZooError where it is not known; `find` lists what is the cache's own in it.
    `by_name_only`: other programs use it too, or it takes long to make again.
    """

    name: str
    contents: str
    locate: Callable[[], Path]
    find: Callable[[Path], Iterable[CacheEntry]]
    by_name_only: bool = False


def compiled_programs(folder: Path) -> Iterator[CacheEntry]:
    """The compiled programs in JAX's cache."""
    lock = partial(exclusive, folder / PROGRAM_LOCK, PROGRAM_LOCK_SECONDS)
    for path in files_in(folder):
        if path.name.endswith(PROGRAM_ENDS):
            yield CacheEntry(path, lock)
    for path in subfolders(folder):
        if path.name.startswith(TUNING_START):
            yield CacheEntry(path)


def font_folder() -> Path:
    """Matplotlib's folder, as Matplotlib looks for it."""
    if named := os.environ.get("MPLCONFIGDIR"):
        return expand_home(named)
    if sys.platform.startswith(("linux", "freebsd")):
        return expand_home(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "matplotlib"
    return expand_home("~/.matplotlib")


def font_lists(folder: Path) -> Iterator[CacheEntry]:
    """Matplotlib's lists of the fonts of this machine, which it makes again in a second."""
    yield from (CacheEntry(path) for path in files_in(folder) if FONT_LIST.fullmatch(path.name))


def _datasets(folder: Path) -> Iterator[CacheEntry]:
    def is_downloaded_by_hand(name: str) -> bool:
        from zoo.data.sources import tfds

        return tfds.is_downloaded_by_hand(name)

    return prepared_datasets(folder, is_downloaded_by_hand)


CACHES = (
    Cache("weights", "downloaded weights", lambda: cache_folder() / "weights", cached_weights),
    Cache("shards", "where the images of tar files are", indices_folder, kept_indices),
    Cache("hub", "data sets of the Hugging Face hub", hub_folder, kept_datasets, by_name_only=True),
    Cache("programs", "compiled programs", programs_folder, compiled_programs),
    Cache("datasets", "prepared by TFDS", lambda: expand_home(tfds_folder()), _datasets, by_name_only=True),
    Cache("fonts", "Matplotlib's list of fonts", font_folder, font_lists),
)
