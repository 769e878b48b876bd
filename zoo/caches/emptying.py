"""The sizes of caches, and emptying them: only their own files, none that are in use, and nothing behind a link."""

import os
import shutil
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from zoo.caches.kinds import Cache
from zoo.runtime.cache_entries import CacheEntry, Lock
from zoo.runtime.system_errors import reason

IN_USE = "another process uses it"
# A folder that is being removed: its old name is free at once, and what is left after a kill is no data set.
REMOVED = ".preparing-removed-"


@dataclass(frozen=True)
class Amount:
    """A number of files and of their bytes."""

    files: int = 0
    bytes: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.files + other.files, self.bytes + other.bytes)


@dataclass(frozen=True)
class Emptied:
    """What was removed from a cache, what stays there, and what could not be removed, both with the reason."""

    removed: Amount = field(default_factory=Amount)
    kept: tuple[tuple[Path, str], ...] = ()
    refused: tuple[tuple[Path, str], ...] = ()


def own_folder(cache: Cache) -> Path:
    """The folder itself, behind links that lead to it. Raises ZooError as `Cache.locate`."""
    return Path(os.path.realpath(cache.locate()))


def amount_in(cache: Cache) -> Amount:
    """What is in a cache. Raises ZooError as `Cache.locate`, and OSError where it cannot be read."""
    return sum((_amount_of(entry.path) for entry in cache.find(own_folder(cache))), Amount())


def empty(cache: Cache) -> Emptied:
    """Remove what is in a cache. Raises as `amount_in`."""
    folder = own_folder(cache)
    return _remove_all(list(cache.find(folder)), folder)


def _remove_all(entries: Iterable[CacheEntry], folder: Path) -> Emptied:
    removed, kept, refused = Amount(), [], []
    # Entries may have the same lock, for which each would wait again.
    held: set[Lock] = set()
    for entry in entries:
        amount = _amount_of(entry.path)
        try:
            if why := IN_USE if entry.lock in held else entry.kept():
                kept.append((entry.path, why))
                continue
            with entry.lock() as free:
                if not free:
                    held.add(entry.lock)
                    kept.append((entry.path, IN_USE))
                    continue
                _remove(entry.path)
        except OSError as error:
            refused.append((entry.path, reason(error)))
            continue
        removed += amount
        _remove_empty_folders(entry.path.parent, folder)
    return Emptied(removed, tuple(kept), tuple(refused))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        renamed = path.with_name(f"{REMOVED}{uuid.uuid4().hex[:8]}")
        path.rename(renamed)
        # It does not follow links.
        shutil.rmtree(renamed)
    else:
        path.unlink(missing_ok=True)


def _remove_empty_folders(folder: Path, top: Path) -> None:
    """Remove a folder and those above it, below `top`, while they are empty."""
    with suppress(OSError):
        while folder != top:
            folder.rmdir()
            folder = folder.parent


def _amount_of(path: Path) -> Amount:
    """Of a file or link itself, or of a folder and all below it; 0 where it has just been removed."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return Amount()
    if path.is_symlink() or not path.is_dir():
        return Amount(1, status.st_size)
    inner = [Path(folder, name) for folder, _, names in os.walk(path) for name in names]
    return sum(map(_amount_of, inner), Amount())
