"""Safetensors: the header of a file is read and checked, and its arrays only where they are used.

The format: https://huggingface.co/docs/safetensors (8 bytes with the length of the header, the header as JSON, the
numbers of all arrays without gaps).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from io import BufferedReader
from typing import Any

import ml_dtypes
import numpy as np

from zoo.errors import ZooError
from zoo.runtime.records import parse_json, with_advice
from zoo.runtime.regular_file import size_of
from zoo.weights.stored_array import StoredArray, read_numbers

# Bytes: that of a network has 200,000. Parsed, it can take thirty times as much memory.
MAX_HEADER = 8 * 2**20
METADATA = "__metadata__"
DTYPES = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "F8_E4M3": np.dtype(ml_dtypes.float8_e4m3fn),
    "F8_E5M2": np.dtype(ml_dtypes.float8_e5m2),
    "C64": np.dtype("<c8"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U64": np.dtype("<u8"),
    "U32": np.dtype("<u4"),
    "U16": np.dtype("<u2"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}


@dataclass(frozen=True, eq=False)
class SafetensorsFile:
    """The header of an open file: its metadata, and its arrays by key, in the order of the file."""

    metadata: Mapping[str, str]
    arrays: Mapping[str, StoredArray]


def read_safetensors(file: BufferedReader) -> SafetensorsFile:
    """The header of an open file. Raises ZooError where it is none, or claims other bytes than the file has."""
    try:
        file.seek(0)
        length = int.from_bytes(file.read(8), "little")
        start = 8 + length
        if length > MAX_HEADER or start > size_of(file):
            raise ValueError(f"a header of {length} bytes")
        with with_advice("copy or download it again"):
            header = parse_json(file.read(length), str(file.name))
        metadata = header.pop(METADATA, {})
        if not all(isinstance(text, str) for text in metadata.values()):
            raise ValueError("metadata that are no text")
        entries = sorted(header.items(), key=lambda item: item[1]["data_offsets"])
        arrays, end = {}, 0
        for key, entry in entries:
            arrays[key], end = _stored_array(file, start, end, **entry)
        if start + end != size_of(file):
            raise ValueError(f"{size_of(file) - start} bytes of numbers, not {end}")
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise ZooError(
            f"cannot read {file.name}: it is not a safetensors file, or is damaged; copy or download it again"
        ) from None
    return SafetensorsFile(metadata, arrays)


def _stored_array(
    file: BufferedReader, start: int, position: int, dtype: Any, shape: Any, data_offsets: Any
) -> tuple[StoredArray, int]:
    """An array whose bytes are at this position after `start`, and where they end. Raises ValueError if not."""
    if not all(type(size) is int and size >= 0 for size in (*shape, *data_offsets)):
        raise ValueError("a size that is no number")
    begin, end = data_offsets
    count, kind = math.prod(shape), DTYPES[dtype]
    if begin != position or end - begin != count * kind.itemsize:
        raise ValueError("offsets that overlap, have gaps or do not fit the shape")
    return StoredArray(tuple(shape), kind, partial(_read, file, start + begin, count, kind, tuple(shape))), end


def _read(file: BufferedReader, start: int, count: int, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    return read_numbers(file, start, count, dtype).reshape(shape)
