"""What a cache holds: files and folders that can be made again, each with the lock of the programs that use it."""

import fcntl
import os
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

POLL_SECONDS = 0.05

Lock = Callable[[], AbstractContextManager[bool]]


def without_lock() -> AbstractContextManager[bool]:
    """The lock of what may be removed at any time."""
    return nullcontext(True)


def not_kept() -> str:
    """The `kept` of what can be made again in any case."""
    return ""


@dataclass(frozen=True)
class CacheEntry:
    """A file, or a folder with all that is in it.

    `lock` makes a context whose value is whether nobody else uses the entry, for as long as the context lasts. `kept`
    says why the entry is not to be removed with the others, "" if it is.
    """

    path: Path
    lock: Lock = without_lock
    kept: Callable[[], str] = not_kept


def files_in(folder: Path) -> list[Path]:
    """The files in a folder, sorted by name; links to folders are not among them."""
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        return sorted(Path(entry) for entry in entries if not entry.is_dir())
    return []


def subfolders(folder: Path) -> list[Path]:
    """The folders in a folder, sorted by name; links to folders are not among them."""
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        return sorted(Path(entry) for entry in entries if entry.is_dir(follow_symlinks=False))
    return []


def files_below(folder: Path) -> Iterator[Path]:
    """`files_in` a folder and all those below it."""
    yield from files_in(folder)
    for inner in subfolders(folder):
        yield from files_below(inner)


@contextmanager
def exclusive(path: Path, seconds: float = 0) -> Iterator[bool]:
    """Lock a file or folder that others lock too, in at most `seconds`; False where one of them still has it.

    True where it does not exist or the file system has no locks: nobody has locked it.
    """
    with _descriptor(path) as descriptor:
        yield descriptor is None or _is_locked_in_time(descriptor, time.monotonic() + seconds)


@contextmanager
def in_use(path: Path) -> Iterator[None]:
    """Within this context `exclusive` finds that the file or folder is in use; one that has it is waited for."""
    with _descriptor(path) as descriptor:
        if descriptor is not None:
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield


def use_while_alive(path: Path, user: object) -> None:
    """As `in_use`, for as long as an object exists. Nothing where its file system has no locks."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        weakref.finalize(user, os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_SH)


@contextmanager
def _descriptor(path: Path) -> Iterator[int | None]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _is_locked_in_time(descriptor: int, end: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(POLL_SECONDS)
        except OSError:
            return True
        else:
            return True
