"""The pages of a column of a Parquet file, by their headers alone: what they expand to, before any is decompressed.

pyarrow allocates what a page states of itself, and has no limit. The format: https://parquet.apache.org/docs/file-format
and the compact protocol of Thrift.
"""

from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader
from typing import Any

from zoo.printable import shown_bytes

# Bytes of a page's header: usual, and at most, where it holds the least and the greatest value.
HEADER, MAX_HEADER = 2**9, 2**16
MAX_DEPTH = 8
# Encoded images are compressed already, so that columns of them hardly expand; this much is nothing to any machine.
FREE_BYTES = 2**27
MAX_EXPANSION = 4
# Fields of a page's header: its bytes as they are and in the file, and what is said of a page of either version.
SIZE, STORED_SIZE, DATA, DATA_V2 = 2, 3, 5, 8
# Of the last two: the number of values, and how they are encoded.
VALUES, ENCODING, ENCODING_V2 = 1, 2, 4
# An encoding in which a value repeats the start of the one before it.
DELTA_BYTE_ARRAY = 7
# Types of the compact protocol.
STOP, TRUE, FALSE, BYTE, DOUBLE, BINARY, STRUCT = 0, 1, 2, 3, 7, 8, 12


@dataclass(frozen=True)
class Pages:
    """Bytes of the largest page, uncompressed; whether few of them can stand for many equal values."""

    largest: int
    has_repeats: bool

    def rows_within(self, size: int, rows: int) -> int:
        """How many rows, at most `rows`, surely have less than `size` bytes together."""
        return max(1, min(rows, size // max(1, self.largest))) if self.has_repeats else rows


def check_pages(file: BufferedReader, chunk: Any) -> Pages:
    """Read the headers of a column chunk's pages. Raises ValueError where these expand to more than images do."""
    place = chunk.data_page_offset
    if chunk.has_dictionary_page and 0 < (chunk.dictionary_page_offset or 0) < place:
        place = chunk.dictionary_page_offset
    end = place + chunk.total_compressed_size
    pages, total, largest, values, has_repeats, limit = 0, 0, 0, 0, False, expansion_limit(chunk)
    while values < chunk.num_values and place < end:
        header, length = _header(file, place)
        size, stored = header.get(SIZE, -1), header.get(STORED_SIZE, -1)
        pages, total, largest = pages + 1, total + size, max(largest, size)
        # Each page has a value, but for the one with the dictionary.
        if min(size, stored) < 0 or pages > chunk.num_values + 1:
            raise _no_header()
        if total > limit:
            raise ValueError(f"its pages expand to more than {shown_bytes(limit)}, which images do not")
        details, encoding = (header.get(DATA), ENCODING) if DATA in header else (header.get(DATA_V2), ENCODING_V2)
        has_repeats = has_repeats or not details or details.get(encoding) == DELTA_BYTE_ARRAY
        values += max(0, details.get(VALUES, 0)) if details else 0
        place += length + stored
    return Pages(largest, has_repeats)


def expansion_limit(chunk: Any) -> int:
    """To how many bytes a column chunk may expand."""
    return FREE_BYTES + MAX_EXPANSION * int(chunk.total_compressed_size)


def _header(file: BufferedReader, place: int) -> tuple[dict[int, Any], int]:
    """A header, by the numbers of its fields, and its length."""
    for length in (HEADER, MAX_HEADER):
        file.seek(place)
        with suppress(IndexError):
            return _struct(file.read(length), 0, 0)
    raise _no_header()


def _struct(data: bytes, at: int, depth: int) -> tuple[dict[int, Any], int]:
    fields: dict[int, Any] = {}
    number = 0
    while data[at] != STOP:
        step, kind = data[at] >> 4, data[at] & 15
        at += 1
        if step:
            number += step
        else:
            number, at = _integer(data, at)
        fields[number], at = (kind == TRUE, at) if kind in (TRUE, FALSE) else _value(data, at, kind, depth)
    return fields, at + 1


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    """A whole number or a struct; None for values of other types, which are passed over."""
    if depth > MAX_DEPTH:
        raise _no_header()
    if kind == STRUCT:
        return _struct(data, at, depth + 1)
    if BYTE < kind < DOUBLE:
        return _integer(data, at)
    if kind == BINARY:
        length, at = _varint(data, at)
        return None, at + length
    if kind in (BYTE, DOUBLE):
        return None, at + (1 if kind == BYTE else 8)
    # Headers of pages have no lists, sets or maps.
    raise _no_header()


def _integer(data: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(data, at)
    return (value >> 1) ^ -(value & 1), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        value |= (data[at] & 127) << shift
        at += 1
        if data[at - 1] < 128:
            return value, at
    raise _no_header()


def _no_header() -> ValueError:
    return ValueError("a page does not describe itself")
