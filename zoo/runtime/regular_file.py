"""Opens the files that people name: only regular files, once, and no more of them than a limit.

A pipe, a socket or a device could block for ever or never end. What was opened is what is checked and read: between a
check of the name and a second open another file could take its place.
"""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

# Bytes of a record such as config.json. Parsed, JSON can take fifty times as much memory.
MAX_RECORD_SIZE = 8 * 2**20

# Of folders in a checkpoint, which has four.
MAX_DEPTH = 10

KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_regular(path: str | Path) -> BufferedReader:
    """Open a regular file, or a symbolic link to one, to read its bytes.

    Raises OSError, with `strerror` as for any other failure, where it is a folder, a pipe, a socket or a device: at
    once, and without opening a device.
    """
    return open(path, "rb", opener=_open_descriptor)


def size_of(file: BufferedReader) -> int:
    """The size of an open file in bytes."""
    return os.fstat(file.fileno()).st_size


def read_regular(path: str | Path, limit: int = MAX_RECORD_SIZE) -> bytes:
    """The bytes of a regular file. Raises OSError as `open_regular`, and where it has more than `limit` bytes."""
    with open_regular(path) as file:
        # A file may grow while it is read.
        if size_of(file) > limit or len(contents := file.read(limit + 1)) > limit:
            raise OSError(errno.EFBIG, f"it has more than {limit:,} bytes", str(path))
        return contents


def all_regular(folder: Path) -> bool:
    """Whether all that is below a folder is a regular file or a folder, or a link to one: for a library that opens it.

    False where folders are nested more than `MAX_DEPTH` deep. Raises OSError where a folder cannot be listed.
    """
    return _all_regular(folder, MAX_DEPTH)


def _all_regular(folder: Path, depth: int) -> bool:
    with os.scandir(folder) as entries:
        return all(
            depth > 0 and _all_regular(Path(entry), depth - 1) if entry.is_dir() else entry.is_file()
            for entry in entries
        )


def _open_descriptor(path: str, flags: int) -> int:
    refuse_special(Path(path).stat(), path)
    # Not blocking: the name may have become that of a pipe. Terminals are devices, which are refused.
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
    try:
        refuse_special(os.fstat(descriptor), path)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def refuse_special(status: os.stat_result, path: str | Path) -> None:
    """Raises OSError unless it is a regular file."""
    if not stat.S_ISREG(status.st_mode):
        kind = KINDS.get(stat.S_IFMT(status.st_mode), "no file")
        raise OSError(errno.EINVAL, f"it is {kind}, not a regular file", str(path))
