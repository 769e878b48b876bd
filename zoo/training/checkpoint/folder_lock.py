"""A lock, so that only one process trains in a run folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from zoo.errors import ZooError


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold an exclusive lock on the folder itself, which links to it and a rename of it do not avoid.

    Raises ZooError if another process holds it. A file system without locks is not an error.
    """
    with ExitStack() as held:
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            held.callback(os.close, descriptor)
            _lock(descriptor, folder)
        yield


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ZooError(
            f"another process trains in {folder}: wait for it, or choose another folder with --run-dir"
        ) from None
