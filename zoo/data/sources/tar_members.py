"""The members of a tar file, found by its headers alone: nothing is unpacked, and no member can name a file to write.

Python's tarfile reads the headers; what it would read without limit, or take for the end of the file, is refused here.
"""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

from zoo.data.errors import DataError
from zoo.printable import one_line, printable, shortened
from zoo.runtime.regular_file import size_of

BLOCK = tarfile.BLOCKSIZE
# Bytes of a header of tar's extended formats, which hold a member's name. Chains of them are held together.
MAX_HEADER = 2**16
MAX_GLOBAL_HEADERS = 100
MAX_NAME = 1000
MAX_MEMBERS = 2 * 10**7
# Zeros at the end, by which tar fills up its last record.
MAX_END = 2**24
COPY_AGAIN = "copy or download it again"


@dataclass(frozen=True, slots=True)
class Member:
    """A regular file within a tar file: its name, the offset of its first byte, and its size, in bytes."""

    name: str
    offset: int
    size: int


def tar_members(path: Path, file: BufferedReader) -> Iterator[Member]:
    """The regular files within an open tar file, in its order.

    Raises DataError for what is no plain tar file, is cut off or damaged, and for members that are links, devices or
    sparse, or whose names lead out of a folder.
    """
    total, place = size_of(file), -1
    limited: Any = _HeaderReader(path, file)
    tar: Any
    try:
        with tarfile.open(fileobj=limited, mode="r:") as tar:
            for number in range(MAX_MEMBERS + 1):
                found = tar.next()
                if found is None:
                    _check_end(path, file, tar.offset)
                    return
                # It would hold all of them in memory.
                tar.members.clear()
                if tar.offset <= place or len(tar.pax_headers) > MAX_GLOBAL_HEADERS or number == MAX_MEMBERS:
                    raise DataError(f"{path} is not read: its headers do not fit together; {COPY_AGAIN}")
                place = tar.offset
                if not found.isdir():
                    yield _checked(path, found, total)
    except (tarfile.TarError, OverflowError, ValueError, RecursionError, EOFError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"cannot read the tar file {path}: {_problem(path, error, total)}") from None


class _HeaderReader:
    """A file for tarfile, which reads a header whole, of whatever size that declares."""

    def __init__(self, path: Path, file: BufferedReader) -> None:
        self._path, self._file = path, file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= MAX_HEADER:
            raise DataError(f"{self._path} is not read: a header has {size:,} bytes, more than {MAX_HEADER:,}")
        return self._file.read(size)


def _checked(path: Path, member: tarfile.TarInfo, total: int) -> Member:
    name = shortened(printable(member.name), 80)
    parts = member.name.split("/")
    if not member.name or ".." in parts or member.name.startswith("/") or "\0" in member.name:
        raise DataError(f"{path} holds the member {name!r}, which leads out of its folder: pack the shard again")
    if len(member.name) > MAX_NAME:
        raise DataError(f"{path} holds a member with a name of {len(member.name)} characters: use at most {MAX_NAME}")
    if member.issym() or member.islnk():
        raise DataError(
            f"{path} holds {name}, a link: pack the files themselves, with tar --dereference --hard-dereference"
        )
    if not member.isreg() or member.issparse():
        kind = "a sparse file" if member.issparse() else "a device or a pipe"
        raise DataError(f"{path} holds {name}, {kind}: pack the shard again with regular files")
    if member.size < 0 or member.offset_data + member.size > total:
        raise DataError(f"{path} is cut off within {name}: {COPY_AGAIN}")
    return Member("/".join(part for part in parts if part != "."), member.offset_data, member.size)


def _check_end(path: Path, file: BufferedReader, place: int) -> None:
    """Raises DataError unless zeros end the file, and nothing else: tarfile takes damage for the end as well."""
    file.seek(place)
    rest = file.read(MAX_END + 1)
    if len(rest) < BLOCK:
        raise DataError(f"{path} is cut off: it has no end mark; {COPY_AGAIN}")
    if (zeros := len(rest) - len(rest.lstrip(b"\0"))) < BLOCK:
        raise DataError(f"{path} is damaged at byte {place:,}: {COPY_AGAIN}")
    if zeros != len(rest) or len(rest) > MAX_END:
        raise DataError(
            f"{path} continues after its end mark, at byte {place:,}: it is damaged ({COPY_AGAIN}), or several tar "
            "files were joined to one (keep them apart)"
        )


def _problem(path: Path, error: Exception, total: int) -> str:
    with path.open("rb") as file:
        start = file.read(6)
    if start.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")):
        return "it is compressed, unpack it to a plain .tar"
    if not total:
        reason = "it is empty"
    elif isinstance(error, RecursionError):
        reason = "a chain of headers has no end"
    else:
        reason = "it is cut off" if "unexpected end" in str(error) else one_line(error)
    return f"{reason}; {COPY_AGAIN}"
