"""Folders of IDX files, plain and gzipped."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from tests.fuzz.case import Case
from tests.fuzz.kinds.files import Content, files
from tests.fuzz.mutate import damaged
from tests.fuzz.seeds import Seeds, gzipped, idx_files


def cases(seeds: Seeds, seed: int, count: int) -> Iterator[Case]:
    """The cases of IDX folders, each with one wrong file."""
    plain = idx_files()
    yield from _cases(seeds, "IDX", plain, ("train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"), seed, count)
    compressed = gzipped(plain)
    yield from _cases(seeds, "IDX gzipped", compressed, ("train-images-idx3-ubyte.gz",), seed, count)


def _cases(
    seeds: Seeds, kind: str, valid: dict[str, bytes], names: tuple[str, ...], seed: int, count: int
) -> Iterator[Case]:
    def case(name: str, changed: Mapping[str, Content], expected: Any = "refused") -> Case:
        content = {f"data/{file}": data for file, data in {**valid, **changed}.items()}
        arguments = ("evaluate", "--dataset", "data", "--weights", str(seeds.weights))
        return Case(kind=kind, name=name, arguments=arguments, write=files(content), expected=expected)

    yield case("valid", {}, "works")
    for name in names:
        is_gzip = name.endswith(".gz")
        content = gzip.decompress(valid[name]) if is_gzip else valid[name]
        for what, changed in wrong_files(content):
            yield case(f"{name}: {what}", {name: gzip.compress(changed, 1) if is_gzip else changed})
        for what, changed in damaged(valid[name], seed, count):
            yield case(f"{name}: {what}", {name: changed}, "either")
        if is_gzip:
            yield case(f"{name}: expands to 8 GB", {name: partial(_bomb, content[:16])})
            huge = content[:4] + struct.pack(">3I", 2**31, 2**5, 2**5)
            yield case(f"{name}: claims and expands", {name: partial(_bomb, huge)})
            yield case(f"{name}: nested", {name: gzip.compress(valid[name])})


def _bomb(start: bytes) -> bytes:
    """Four megabytes of gzip that expand to eight gigabytes."""
    return gzip.compress(start + bytes(2**28), 1) + gzip.compress(bytes(2**28), 1) * 31


def wrong_files(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Headers that claim what the file does not hold."""
    dims = content[3]
    header, data = content[: 4 + 4 * dims], content[4 + 4 * dims :]
    for magic in (b"\x00\x00\x08\x02", b"\x00\x00\x0d\x03", b"\x01\x00\x08\x03", b"\x00\x00\x08\xff", b"\x89PNG"):
        yield f"magic {magic.hex()}", magic + content[4:]
    for dimension in range(dims):
        for value in (0, 1, 2**16, 2**31, 2**32 - 1):
            place = 4 + 4 * dimension
            yield (
                f"dimension {dimension} of {value}",
                header[:place] + struct.pack(">I", value) + header[place + 4 :] + data,
            )
    yield "all dimensions of 2^32", header[:4] + b"\xff" * (4 * dims) + data
    yield "header only", header
    yield "one byte less", content[:-1]
    yield "one byte more", content + b"\0"
