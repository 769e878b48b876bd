"""A lock, so that one process downloads a file and others wait for it."""

import fcntl
import os
import socket
import time
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TextIO

from zoo.errors import ZooError, ZooWarning
from zoo.runtime.web.limits import Limits
from zoo.runtime.web.url import redacted

POLL_SECONDS = 0.1
# A shorter wait is not worth a line.
SILENT_SECONDS = 1.0


@contextmanager
def lock_download(path: Path, limits: Limits) -> Iterator[Path]:
    """Hold the lock of the download to `path`, and yield the file to write to: `path` with ".part".

    The system gives the lock back when its process ends, however that ends. A ZooWarning says for whom this process
    waits. Raises ZooError where the other one has written nothing for `limits.waiting_seconds`, OSError where nothing
    can be written. On a file system without locks the file has a name of its own, and does not outlast the context.
    """
    part = shared_part(path)
    lock = _acquire(path.with_name(f"{path.name}.lock"), part, limits)
    if lock is None:
        unshared = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.part")
        try:
            yield unshared
        finally:
            unshared.unlink(missing_ok=True)
        return
    with lock:
        try:
            yield part
        finally:
            # Before the lock is given back: who waits for it finds that its file is gone, and opens another.
            with suppress(OSError):
                Path(lock.name).unlink()


@contextmanager
def unless_downloading(path: Path) -> Iterator[bool]:
    """Whether no process downloads to `path`; one that starts within this context waits. Raises OSError."""
    lock = path.with_name(f"{path.name}.lock")
    with lock.open("a", encoding="utf-8") as file:
        held = _is_locked_now(file) and _is_file_at(lock, file)
        try:
            yield held
        finally:
            if held:
                with suppress(OSError):
                    lock.unlink()


def _is_locked_now(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # without locks, unfinished files have names of their own
        return True
    return True


def shared_part(path: Path) -> Path:
    """Where the file at `path` is written until it is complete, by one process after another."""
    return path.with_name(f"{path.name}.part")


def _acquire(lock: Path, part: Path, limits: Limits) -> TextIO | None:
    """The locked file, or None where the file system has no locks."""
    wait = _Wait(lock, part, limits)
    while True:
        # `zoo cache clear` removes empty folders.
        lock.parent.mkdir(parents=True, exist_ok=True)
        file = lock.open("a", encoding="utf-8", errors="replace")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            wait.check()
            time.sleep(POLL_SECONDS)
            continue
        except OSError:
            file.close()
            with suppress(OSError):
                lock.unlink()
            return None
        if _is_file_at(lock, file):
            file.truncate(0)
            since = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
            file.write(f"process {os.getpid()} of {socket.gethostname()}, since {since}\n")
            file.flush()
            return file
        file.close()


class _Wait:
    """The wait for another process, which lasts as long as that one writes."""

    def __init__(self, lock: Path, part: Path, limits: Limits) -> None:
        self._lock, self._part, self._limits = lock, part, limits
        self._start = self._changed = time.monotonic()
        self._size, self._warned = -1, False

    def check(self) -> None:
        """Call this while the lock is held elsewhere. Raises ZooError where it has lasted too long."""
        now, size = time.monotonic(), _size_of(self._part)
        if size != self._size:
            self._size, self._changed = size, now
        name = self._part.name.removesuffix(".part")
        if now - self._changed > self._limits.waiting_seconds or now - self._start > self._limits.body_seconds:
            raise ZooError(
                f"{name} is being downloaded by {self._owner()}; it was waited for {now - self._start:.0f} s, the "
                f"last {now - self._changed:.0f} without a byte: end that process, and run the same command again"
            )
        if now - self._start > SILENT_SECONDS and not self._warned:
            self._warned = True
            warnings.warn(f"waiting for {name}, which is being downloaded by {self._owner()}", ZooWarning, stacklevel=6)

    def _owner(self) -> str:
        with suppress(OSError), self._lock.open(encoding="utf-8", errors="replace") as file:
            return redacted(file.read(200).strip()) or "another process"
        return "another process"


def _size_of(part: Path) -> int:
    with suppress(OSError):
        return part.stat().st_size
    return 0


def _is_file_at(path: Path, file: TextIO) -> bool:
    """Whether the open file still has this name."""
    with suppress(OSError):
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    return False
