"""The directory of a zip archive, and where in the file its entries are."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import BufferedReader

from zoo.runtime.regular_file import size_of

# Bytes: an archive of torch's or NumPy's has a hundred per array. Parsed, it takes ten times as much memory.
MAX_DIRECTORY = 4 * 2**20
LOCAL_HEADER = b"PK\3\4"


def zip_entries(file: BufferedReader) -> Mapping[str, zipfile.ZipInfo]:
    """The entries of an archive by name. Raises BadZipFile for what is none, and for a directory that is too long."""
    with zipfile.ZipFile(_Limited(file)) as archive:
        return archive.NameToInfo


def stored_bytes(file: BufferedReader, entry: zipfile.ZipInfo) -> tuple[int, int]:
    """Where the bytes of an entry start that is not compressed, and how many they are. Raises BadZipFile."""
    file.seek(entry.header_offset)
    header = file.read(30)
    start = entry.header_offset + 30 + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    size = entry.file_size
    if header[:4] != LOCAL_HEADER or entry.compress_type != zipfile.ZIP_STORED or start + size > size_of(file):
        raise zipfile.BadZipFile
    return start, size


@dataclass(frozen=True, eq=False)
class _Limited:
    """A file of which a part is read at once that is no larger than a directory: `zipfile` asks for what it claims."""

    file: BufferedReader

    def read(self, count: int = -1) -> bytes:
        data = self.file.read(MAX_DIRECTORY + 1 if count < 0 else count if count <= MAX_DIRECTORY else 0)
        if len(data) > MAX_DIRECTORY or count > MAX_DIRECTORY:
            raise zipfile.BadZipFile
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return self.file.seek(offset, whence)

    def tell(self) -> int:
        return self.file.tell()

    def seekable(self) -> bool:
        return True
