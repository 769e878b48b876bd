"""Files that are written completely or not at all."""

import glob
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zoo.errors import ZooError
from zoo.runtime.process import interruptible
from zoo.runtime.regular_file import refuse_special
from zoo.runtime.system_errors import reason

# Bytes of a name that the name of its unfinished file keeps: with what is added it is shorter than 255 bytes.
KEPT_OF_NAME = 200


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; it is renamed to `path` at the end, or removed if writing fails.

    Where `path` is a symbolic link, the file that it leads to is replaced. Raises ZooError for an OSError (no folder,
    no permission, no space on the disk), and where `path` is a folder, a device or a pipe.
    """
    with _naming(path):
        target = replaced_file(path)
        unfinished = _unfinished(target)
        try:
            with interruptible():
                yield unfinished
                _flush(unfinished)
                unfinished.replace(target)
        finally:
            with suppress(OSError):
                unfinished.unlink()


@contextmanager
def replacing_with_others(path: Path) -> Iterator[Path]:
    """As `replacing`, for a file with others that belong to it: a path in a new folder, to write all of them to.

    At the end they are moved beside `path` under their names, and `path` is the last: it is there when all are.
    """
    with _naming(path):
        target = replaced_file(path)
        folder = _unfinished(target)
        moved: list[Path] = []
        try:
            with interruptible():
                folder.mkdir()
                yield folder / target.name
                for written in sorted(folder.iterdir(), key=lambda file: file.name == target.name):
                    _flush(written)
                    moved.append(written.replace(target.with_name(written.name)))
        except BaseException:
            for file in moved:
                with suppress(OSError):
                    file.unlink()
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def check_replaceable(path: Path) -> None:
    """Raises ZooError where `replacing` could not write `path` now; call it before a long computation."""
    with _naming(path):
        unfinished = _unfinished(replaced_file(path))
        unfinished.touch()
        unfinished.unlink()


def clear_unfinished(path: Path) -> None:
    """Remove the temporary files that a killed process left behind while it replaced `path`."""
    for unfinished in path.parent.glob(f"{glob.escape(_prefix(path))}{'[0-9a-f]' * 8}"):
        with suppress(OSError):
            unfinished.unlink()


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ZooError(f"cannot write {path}: {reason(error)}") from None


def replaced_file(path: Path) -> Path:
    """The file to replace: the path, or that to which a symbolic link leads.

    Raises OSError for what is no file: its name would become that of a file.
    """
    with suppress(FileNotFoundError):
        refuse_special(path.stat(), path)
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _unfinished(target: Path) -> Path:
    return target.with_name(f"{_prefix(target)}{uuid.uuid4().hex[:8]}")


def _prefix(path: Path) -> str:
    return f".{os.fsdecode(os.fsencode(path.name)[:KEPT_OF_NAME])}."


def _flush(file: Path) -> None:
    """Without this a power failure could leave an empty file with the new name."""
    with file.open("rb") as written:
        os.fsync(written.fileno())
