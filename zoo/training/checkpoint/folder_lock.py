"""A lock, so that only one process trains in a run folder.

It is a file in the folder that names its owner, made atomically: it works where locks of the file system do not, as on
many network file systems, and on all hosts that share the folder. The lock of a process of this host that has ended is
taken over; whether a process of another host has ended cannot be known here.
"""

import json
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from zoo.errors import ZooError
from zoo.runtime.process import interruptible, on_interrupt
from zoo.runtime.records import InvalidRecord
from zoo.runtime.regular_file import read_regular
from zoo.runtime.system_errors import reason
from zoo.training.checkpoint.lock_owner import Owner, has_ended, parse_owner, this_process

# Seconds for which a lock may exist and not be seen, as over a network.
UNSEEN_SECONDS = 5.0


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold the lock of an existing folder. Raises ZooError if another process holds it, or it cannot be written."""
    with interruptible():
        owner = acquire(folder)
    with on_interrupt(lambda: release(folder, owner)):
        try:
            yield
        finally:
            release(folder, owner)


def lock_file(folder: Path) -> Path:
    """The lock of a folder, which lies in it: neither links to the folder nor a rename of it avoid the lock."""
    return folder / "lock.json"


def acquire(folder: Path) -> Owner:
    """Take the lock of an existing folder; `release` gives it back. Raises ZooError as `lock_folder`."""
    owner, lock = this_process(), lock_file(folder)
    unfinished = lock.with_name(f".{lock.name}.{uuid.uuid4().hex[:8]}")
    last_look = time.monotonic() + UNSEEN_SECONDS
    try:
        with unfinished.open("x") as file:
            file.write(json.dumps(asdict(owner)) + "\n")
            file.flush()
            os.fsync(file.fileno())
        while not _create(unfinished, lock):
            other = _read(lock)
            if other is None:
                # Its owner has just removed it, or the network does not show it yet; or it is a broken link.
                if time.monotonic() > last_look:
                    raise ZooError(f"cannot read {lock}, which exists: if no process trains in {folder}, remove it")
                time.sleep(0.05)
                continue
            # Over a network the attempt that made the file may have been reported as failed.
            if other == owner:
                break
            _refuse_unless_ended(other, folder)
            if _take_over(unfinished, lock, other):
                break
    except FileNotFoundError:
        raise ZooError(f"another process starts in {folder}: choose another folder with --run-dir") from None
    except OSError as error:
        raise ZooError(f"cannot lock the run folder {folder}: {reason(error)}") from None
    finally:
        with suppress(OSError):
            unfinished.unlink()
    return owner


def release(folder: Path, owner: Owner) -> None:
    """Remove the lock of this owner; a folder that is locked by another owner, or not at all, stays as it is."""
    with suppress(OSError, ZooError):
        if _read(lock_file(folder)) == owner:
            lock_file(folder).unlink()


def _refuse_unless_ended(other: Owner, folder: Path) -> None:
    ended = has_ended(other, this_process())
    if ended is None:
        raise ZooError(
            f"{folder} is locked by process {other.pid} of {other.host}, since {other.since}: wait for it, or choose "
            f"another folder with --run-dir; if it has ended, remove {lock_file(folder)}"
        )
    if not ended:
        raise ZooError(
            f"another process trains in {folder}: wait for it, or choose another folder with --run-dir (it is process "
            f"{other.pid} of {other.host}, since {other.since})"
        )


def _take_over(unfinished: Path, lock: Path, other: Owner) -> bool:
    """Replace the lock of an owner that has ended; False if it is not that owner's any more.

    Only the process that makes the file `turn` may replace it, and only as long as it is that owner's: of several that
    saw the owner's end, the late ones find another owner.
    """
    turn = lock.with_name(f"{lock.stem}-{other.id}.json")
    if not _create(unfinished, turn):
        if (taking := _read(turn)) is not None:
            _refuse_unless_ended(taking, lock.parent)
            raise ZooError(f"{turn} is of a process that was killed as it took the lock: remove it, and try again")
        return False
    try:
        if _read(lock) != other:
            return False
        unfinished.replace(lock)
        return True
    finally:
        turn.unlink()


def _create(unfinished: Path, path: Path) -> bool:
    """Make `path` with the content of `unfinished`, in one step; False if it exists."""
    try:
        os.link(unfinished, path)
    except FileExistsError:
        return False
    except FileNotFoundError:
        raise
    except OSError:
        # A file system without hard links.
        try:
            with path.open("xb") as file:
                file.write(unfinished.read_bytes())
        except FileExistsError:
            return False
    return True


def _read(lock: Path) -> Owner | None:
    """The owner in the file, None without a file. Raises ZooError if it names none."""
    try:
        return parse_owner(read_regular(lock), str(lock))
    except FileNotFoundError:
        return None
    except (OSError, InvalidRecord) as error:
        problem = f"cannot read {lock}: {reason(error)}" if isinstance(error, OSError) else str(error)
        raise ZooError(f"{problem}; if no process trains in {lock.parent}, remove it") from None
