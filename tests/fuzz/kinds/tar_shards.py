"""Tar shards: their headers, the members and labels in them, and the indices that are kept of them."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.data.shard_fixtures import add
from tests.fuzz.kinds.files import files
from tests.fuzz.kinds.image_files import strange_images
from tests.fuzz.kinds.shards import (
    CLASSES,
    STRANGE_NAMES,
    Case,
    cuts,
    example_images,
    other_commands,
    shard_case,
    structures,
    write_sparse,
)
from tests.fuzz.mutate import damaged, wrong_documents
from tests.fuzz.seeds import Seeds, image_bytes

KIND = "tar shards"
BLOCK = tarfile.BLOCKSIZE
# (first byte, length) of the fields of a header; POSIX.1-1988 ustar.
FIELDS = {
    "name": (0, 100), "mode": (100, 8), "uid": (108, 8), "size": (124, 12), "mtime": (136, 12), "type": (156, 1),
    "link": (157, 100), "magic": (257, 6), "version": (263, 2), "major": (329, 8), "prefix": (345, 155),
}  # fmt: skip
CHECKSUM = (148, 8)
# Values of a field. With the first bit set it is a binary number, perhaps negative.
VALUES = {
    "empty": b"",
    "spaces": b" " * 155,
    "ones": b"\xff" * 155,
    "sevens": b"7" * 155,
    "letters": b"x" * 155,
    "-1": b"-1",
    "2^33": b"\x80" + bytes(6) + b"\x02" + bytes(4),
    "-2^40": b"\xff" * 6 + bytes(6),
    "2^88": b"\x80\x01" + bytes(10),
    "not ASCII": "³²".encode(),
}
TYPES = b"0\x00123456789gxLKSADMVNXZ\xff"
LABELS = {
    "nothing": b"", "-1": b"-1", "2": b"2", "2^31": b"2147483648", "2^63": b"9223372036854775808", "10^30": b"1" * 31,
    "half": b"0.5", "NaN": b"nan", "superscript": "³".encode(), "other digits": "\u0661".encode(), "bytes": b"\xff\xfe",
    "zeros": bytes(8), "an escape": b"\x1b[31m", "two lines": b"0\n1", "1,001 letters": b"x" * 1001,
    "a megabyte": b"x" * 2**20, "a script": b"<script>alert(1)</script>", "..": b"..", "a path": b"../../etc",
}  # fmt: skip


def cases(seeds: Seeds, seed: int, count: int) -> Iterator[Case]:
    """The cases of tar shards."""
    valid = shard(example_images())
    yield shard_case(KIND, "valid", _one(valid), "works")
    yield from other_commands(seeds, KIND, _one(valid), "valid")
    for name, content in (*damaged(valid, seed, count), *cuts(valid)):
        yield shard_case(KIND, name, _one(content))
    for block in range(12):
        yield shard_case(KIND, f"cut off after block {block}", _one(valid[: block * BLOCK]), "refused", named="x.tar")
    yield from _headers(valid)
    yield from _members()
    yield from _labels()
    yield from _extended()
    yield from structures(KIND, ".tar", valid)
    yield from _beside(valid)
    for name, content in strange_images():
        images = example_images()[1:]

        def write(folder: Path, content=content, images=images) -> None:
            data = content() if callable(content) else content
            _one(shard([("a/00.png", 0, data), *images]))(folder)

        yield shard_case(KIND, f"image: {name}", write, seconds=20)
    yield shard_case(KIND, "a member of a terabyte", _sparse(valid), seconds=20)


def shard(images: list[tuple[str, int, bytes]], more: Callable[[tarfile.TarFile], None] | None = None) -> bytes:
    """A tar file of images with their classes, and what `more` adds."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, label, content in images:
            add(tar, name, content)
            add(tar, f"{name.rpartition('.')[0]}.cls", CLASSES[label].encode())
        if more:
            more(tar)
    return stream.getvalue()


def with_field(content: bytes, place: int, field: str, value: bytes) -> bytes:
    """The file with a field of the header at `place` replaced, and its checksum right."""
    header = bytearray(content[place : place + BLOCK])
    start, length = FIELDS[field]
    header[start : start + length] = value[:length].ljust(length, b"\0")
    start, length = CHECKSUM
    header[start : start + length] = b" " * length
    header[start : start + length] = b"%06o\0 " % sum(header)
    return content[:place] + bytes(header) + content[place + BLOCK :]


def _one(content: bytes) -> Callable[[Path], None]:
    return files({"data/x.tar": content})


def _headers(valid: bytes) -> Iterator[Case]:
    with tarfile.open(fileobj=io.BytesIO(valid)) as tar:
        places = [member.offset for member in tar.getmembers()]
    for which, place in (("first", places[0]), ("last", places[-1])):
        for field in FIELDS:
            for name, value in VALUES.items():
                content = with_field(valid, place, field, value)
                yield shard_case("tar headers", f"{which} {field}: {name}", _one(content))
        for value in TYPES:
            content = with_field(valid, place, "type", bytes([value]))
            yield shard_case("tar headers", f"{which} type {bytes([value])!r}", _one(content))


def _members() -> Iterator[Case]:
    image = image_bytes("PNG")
    names = {
        "..": "../x", "../ within": "a/../../x", "absolute": "/etc/x", "only dots": "..", "a backslash": "..\\x",
        "a drive": "C:/x", "nothing": "", "a dot": ".", "slashes": "a//b", "a slash at its end": "a/",
        "2,000 characters": "x" * 2000, "100,000 characters": "x" * 100_000, "300 folders": "d/" * 300 + "x",
        **STRANGE_NAMES,
    }  # fmt: skip
    for name, path in names.items():

        def more(tar: tarfile.TarFile, path=path) -> None:
            add(tar, f"{path}.png", image)
            add(tar, f"{path}.cls", b"a")

        yield shard_case(KIND, f"a member's name: {name}", _one(shard(example_images(), more)))
    for ending in ("npy", "pth", "pkl", "json", "PNG", "cls.cls", "x" * 90, "tar", "txt"):
        content = shard(example_images(), lambda tar, ending=ending: add(tar, f"z.{ending}", image))
        yield shard_case(KIND, f"a member .{ending[:10]}", _one(content))
    links = {"symbolic link": tarfile.SYMTYPE, "hard link": tarfile.LNKTYPE, "device": tarfile.CHRTYPE}
    links |= {"pipe": tarfile.FIFOTYPE, "sparse file": tarfile.GNUTYPE_SPARSE, "folder": tarfile.DIRTYPE}
    for name, kind in links.items():
        for target in ("/etc/passwd", "../x", "a/00.png", "z.png"):
            content = shard(
                example_images(),
                lambda tar, kind=kind, target=target: add(tar, "z.png", b"", type=kind, linkname=target),
            )
            yield shard_case(KIND, f"a {name} to {target}", _one(content))
    twice = shard([*example_images(), *example_images()])
    yield shard_case(KIND, "all members twice", _one(twice), "refused", named="x.tar")
    yield shard_case(KIND, "two tar files, one after the other", _one(shard(example_images()) * 2))
    yield shard_case(KIND, "a tar file in it", _one(shard(example_images(), lambda tar: add(tar, "z.tar", twice))))
    yield shard_case(
        KIND, "20,000 classes", lambda folder: _one(_many(20_000, lambda n: b"%d" % n))(folder), seconds=30
    )
    yield shard_case(KIND, "20,000 files of nothing", lambda folder: _one(_many(20_000))(folder), seconds=30)


def _many(count: int, label: Callable[[int], bytes] | None = None) -> bytes:
    def more(tar: tarfile.TarFile) -> None:
        for number in range(count):
            add(tar, f"z{number}.{'png' if label else 'txt'}", b"")
            if label:
                add(tar, f"z{number}.cls", label(number))

    return shard(example_images(), more)


def _labels() -> Iterator[Case]:
    image = image_bytes("PNG")
    for name, label in LABELS.items():
        for others in ("a", "0"):
            content = _labelled(image, others, "cls", label)
            yield shard_case("tar labels", f".cls beside {others}: {name}", _one(content))
    for name, text, wrong in wrong_documents({"label": 1, "caption": "an image"}):
        content = _labelled(image, '{"label": 0}', "json", text.encode("utf-8", "surrogatepass"))
        may_be = name.startswith(("caption", "all + unknown")) or name == "label text"
        yield shard_case("tar labels", f".json {name}", _one(content), "refused" if wrong and not may_be else "either")


def _labelled(image: bytes, others: str, ending: str, label: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for number in range(12):
            add(tar, f"{number:02}.png", image)
            add(tar, f"{number:02}.{ending}", label if number == 5 else others.encode())
    return stream.getvalue()


def _extended() -> Iterator[Case]:
    """Headers of pax and of GNU, which come before that of a member."""
    image = image_bytes("PNG")
    records = {
        "a size of a terabyte": {"size": str(2**40)},
        "a negative size": {"size": "-512"},
        "a size of text": {"size": "x"},
        "a size of 10,000 digits": {"size": "9" * 10_000},
        "a path that leads out": {"path": "../x.png"},
        "an absolute path": {"path": "/etc/x.png"},
        "a path with NUL": {"path": "a\0b.png"},
        "a path of 60,000 characters": {"path": "x" * 60_000},
        "a path of a megabyte": {"path": "x" * 2**20},
        "a link": {"linkpath": "/etc/passwd"},
        "a time of NaN": {"mtime": "nan"},
        "a time of 10^999": {"mtime": "1e999"},
        "a sparse file": {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "z.png"},
        "a sparse size of a terabyte": {"GNU.sparse.realsize": str(2**40), "GNU.sparse.map": "0,1"},
        "a sparse map of text": {"GNU.sparse.map": "x,y"},
        "10,000 keys": {f"zoo.{number}": "x" for number in range(4000)},
    }
    for name, pax in records.items():
        for where in ("of a member", "of all"):
            stream = io.BytesIO()
            headers = pax if where == "of all" else {}
            with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT, pax_headers=headers) as tar:
                for path, label, content in example_images():
                    add(tar, path, content)
                    add(tar, f"{path[:-4]}.cls", CLASSES[label].encode())
                add(tar, "z.png", image, pax_headers=pax)
                add(tar, "z.cls", b"a")
            yield shard_case("tar headers", f"pax {where}: {name}", _one(stream.getvalue()))
    long = tarfile.TarInfo("z.png")
    for kind in (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE):
        for size in (0, 1, 2**16, 2**33):
            long.type, long.size = kind, size
            header = long.tobuf(tarfile.GNU_FORMAT)
            name = f"header {kind!r} of {size} bytes"
            yield shard_case("tar headers", name, _one(header + shard(example_images())))
            yield shard_case("tar headers", f"{name}, sparse", write_sparse("data/x.tar", header, 2**34), "refused")
            if size == 1:
                chain = (header + b"x".ljust(BLOCK, b"\0")) * 20_000
                yield shard_case("tar headers", f"20,000 of {kind!r}", _one(chain), "refused")


def _beside(valid: bytes) -> Iterator[Case]:
    """What other programs leave beside shards, and a compressed one."""
    import bz2
    import gzip

    beside = {
        "an index of WebDataset": ("index.json", json.dumps({"shardlist": [{"url": "/etc/passwd", "nsamples": -1}]})),
        "an index of DALI": ("x.idx", "v1.2 99\n-1 0 png\n"),
        "an index of text": ("x.tar.index", "nonsense"),
        "a number of images": ("sizes.json", '{"x.tar": 1000000000000}'),
    }
    for name, (file, text) in beside.items():
        yield shard_case(KIND, name, files({"data/x.tar": valid, f"data/{file}": text.encode()}), "works")
    for name, content in {"gzip": gzip.compress(valid), "bzip2": bz2.compress(valid)}.items():
        yield shard_case(KIND, f"compressed by {name}", _one(content), "refused", named="compressed")
    yield shard_case(KIND, "joined with another", _one(valid + valid), "refused", named="joined")


def _sparse(valid: bytes) -> Callable[[Path], None]:
    big = tarfile.TarInfo("a/zz.png")
    big.size = 2**40
    label = shard([("a/zz.png", 0, b"")])[BLOCK:]
    start = valid.rstrip(b"\0")
    start += bytes(-len(start) % BLOCK)
    header = big.tobuf(tarfile.GNU_FORMAT)
    return write_sparse("data/x.tar", start + header, len(start) + BLOCK + 2**40, label)
