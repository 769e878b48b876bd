"""NumPy's .npz: the headers of all arrays are read and checked, and their numbers only where they are used."""

import tokenize
import zipfile
import zlib
from functools import partial
from io import BufferedReader
from math import prod

import numpy as np
from numpy.lib import format as npy

from zoo.errors import ZooError
from zoo.runtime.zip_directory import zip_entries
from zoo.weights.stored_array import StoredArray

SUFFIX = ".npy"
FAILURES = (OSError, EOFError, ValueError, TypeError, SyntaxError, KeyError, NotImplementedError, RuntimeError,
            MemoryError, tokenize.TokenError, zipfile.BadZipFile, zlib.error)  # fmt: skip


def read_numpy(file: BufferedReader) -> dict[str, StoredArray]:
    """The arrays of an open file by name. Raises ZooError where it is damaged, or holds objects, which are code."""
    try:
        file.seek(0)
        entries = zip_entries(file)
        archive = zipfile.ZipFile(file)
        return {name.removesuffix(SUFFIX): _stored_array(archive, entry) for name, entry in entries.items()}
    except FAILURES as error:
        raise ZooError(_unreadable(file.name, error)) from None


def _stored_array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> StoredArray:
    with archive.open(entry) as opened:
        version = npy.read_magic(opened)
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read_header(opened)
        if dtype.hasobject:
            raise ValueError("allow_pickle")
        if dtype.kind == "V":
            raise ValueError("bytes or records, not numbers")
        if opened.tell() + prod(shape) * dtype.itemsize != entry.file_size:
            raise ValueError("its size is not that of its shape")
    return StoredArray(shape, dtype, partial(_read, archive, entry))


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.ndarray:
    try:
        with archive.open(entry) as opened:
            return npy.read_array(opened, allow_pickle=False)
    except FAILURES as error:
        raise ZooError(_unreadable(archive.filename, error)) from None


def _unreadable(path: str | None, error: Exception) -> str:
    if "allow_pickle" in str(error):
        return f"cannot read {path}: it holds Python objects, which are code; save only arrays"
    return f"cannot read {path}: it is not an .npz file of arrays, or is damaged; copy or download it again"
