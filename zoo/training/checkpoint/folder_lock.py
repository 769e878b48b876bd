"""One process a run folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from zoo.errors import ZooError


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """While inside, no other process may enter that folder, not under another name either.

    Raises ZooError where one is there. On a file system that cannot lock, nothing is locked.
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
            f"another process trains in {folder}: wait for it, or name another folder with --run-dir"
        ) from None
