"""Files that are written completely or not at all."""

import glob
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zoo.errors import ZooError
from zoo.runtime.process import interruptible
from zoo.runtime.system_errors import reason


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; it is renamed to `path` at the end, or removed if writing fails.

    Raises ZooError for an OSError: no folder, no permission, no space on the disk.
    """
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        with interruptible():
            yield unfinished
            _flush(unfinished)
            unfinished.replace(path)
    except OSError as error:
        raise ZooError(f"cannot write {path}: {reason(error)}") from None
    finally:
        with suppress(OSError):
            unfinished.unlink()


def _flush(file: Path) -> None:
    """Without this a power failure could leave an empty file with the new name."""
    with file.open("rb") as written:
        os.fsync(written.fileno())


def clear_unfinished(path: Path) -> None:
    """Remove the temporary files that a killed process left behind while it replaced `path`."""
    for unfinished in path.parent.glob(f".{glob.escape(path.name)}.{'[0-9a-f]' * 8}"):
        with suppress(OSError):
            unfinished.unlink()
