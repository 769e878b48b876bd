"""What `zoo data pack` writes: its record, its labels, and its array_record files."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save

from tests.fuzz.kinds.files import copied
from tests.fuzz.kinds.image_files import strange_images
from tests.fuzz.kinds.safetensors_files import joined, split, wrong_headers
from tests.fuzz.kinds.shards import STRANGE_NAMES, Case, cuts, other_commands, shard_case, write_sparse
from tests.fuzz.kinds.special_files import SPECIAL
from tests.fuzz.mutate import damaged, wrong_documents
from tests.fuzz.seeds import Seeds, image_bytes
from zoo.data.sources.packed import LABELS, RECORD, UNFINISHED

KIND = "packs"
TRAIN, TEST = (f"{name}-00000-of-00001.array_record" for name in ("train", "test"))
ZSTD, UNCOMPRESSED = "group_size:1,zstd", "group_size:1,uncompressed"


def cases(seeds: Seeds, seed: int, count: int) -> Iterator[Case]:
    """The cases of packs: each file changed."""

    def case(name: str, change: Callable[[Path], object], expected: Any = "either", **more: Any) -> Case:
        write = copied(seeds.pack, "data", lambda data: change(data) and None)
        return shard_case(KIND, name, write, expected, **more)

    yield case("valid", lambda data: None, "works")
    yield from other_commands(seeds, KIND, copied(seeds.pack, "data", lambda data: None), "valid")
    for name, text, wrong in wrong_documents(json.loads((seeds.pack / RECORD).read_text())):
        content = text.encode("utf-8", "surrogatepass")
        yield case(f"{RECORD}: {name}", _writing(RECORD, content), "refused" if wrong else "either")
    for file in (TRAIN, TEST, LABELS, RECORD):
        content = (seeds.pack / file).read_bytes()
        for name, changed in (*damaged(content, seed, 3 * count), *cuts(content)):
            yield case(f"{file}: {name}", _writing(file, changed))
        for name, make in SPECIAL.items():
            yield case(f"{file}: {name}", lambda data, file=file, make=make: _instead(data / file, make), "refused")
        yield case(f"{file}: missing", lambda data, file=file: (data / file).unlink(), "refused")
        yield case(f"{file}: a terabyte", write_sparse(file, content))
    yield from _labels(seeds, case)
    yield from _records(case)
    yield from _outputs(seeds)
    yield case("files of each other", lambda data: shutil.copy(data / TRAIN, data / TEST), "refused")
    yield case("unfinished", lambda data: data.rename(data.with_name(f"data{UNFINISHED}")), path=f"data{UNFINISHED}")


def _outputs(seeds: Seeds) -> Iterator[Case]:
    """Folders that cannot be written, or should not be."""
    names = {
        "nothing": "", "this folder": ".", "the one above": "..", "the root": "/", "a device": "/dev/full",
        "in a device": "/dev/null/x", "in /proc": "/proc/x", "the data": "data", "in a folder that is missing": "a/b/c",
        "a name of 250 bytes": "x" * 250, "a name of 5,000 bytes": "x" * 5000, "no user": "~nosuchuser/x",
        "a script": "<script>alert(1)</script>", "an escape": "\x1b[31m", "not UTF-8": "\udcff",
    }  # fmt: skip
    for name, out in names.items():
        yield Case(
            kind=KIND,
            name=f"packed into {name}",
            arguments=("data", "pack", "data", out),
            write=copied(seeds.pack, "data", lambda data: None),
            expected="either",
        )
    for name, make in SPECIAL.items():
        yield Case(
            kind=KIND,
            name=f"packed into {name}",
            arguments=("data", "pack", "data", "out"),
            write=copied(seeds.pack, "data", lambda data, make=make: make(data.with_name("out"))),
        )


def _labels(seeds: Seeds, case: Callable[..., Case]) -> Iterator[Case]:
    content = (seeds.pack / LABELS).read_bytes()
    header, data = split(content)
    for name, text, _ in wrong_headers(
        {"__metadata__": {}, **{f"{key} kernel": value for key, value in header.items()}}
    ):
        yield case(f"{LABELS}: {name}", _writing(LABELS, joined(text.replace(" kernel", ""), data)))
    arrays = load_file(seeds.pack / LABELS)
    labels = arrays["train_labels"]

    def changed(**other: np.ndarray | None) -> bytes:
        return save({name: array for name, array in {**arrays, **other}.items() if array is not None})

    for name, value in {"-1": -1, "2": 2, "2^31": 2**31, "-2^63": -(2**63)}.items():
        wrong = np.where(np.arange(len(labels)) == 3, value, labels)
        yield case(f"labels of {name}", _writing(LABELS, changed(train_labels=wrong)), "refused")
    for name, array in {
        "int32": labels.astype(np.int32),
        "float64": labels.astype(np.float64),
        "one less": labels[:-1],
        "two dimensions": labels[None],
        "none": labels[:0],
        "missing": None,
    }.items():
        yield case(f"labels: {name}", _writing(LABELS, changed(train_labels=array)), "refused")
    for name, text in {**STRANGE_NAMES, "..": "../../etc/passwd", "nothing": "", "a megabyte": "x" * 2**20}.items():
        joined_names = "\0".join([text, *map(str, range(len(labels) - 1))]).encode("utf-8", "surrogateescape")
        files = np.frombuffer(joined_names, np.uint8)
        yield case(f"a file's name: {name}", _writing(LABELS, changed(train_files=files)))
    more = {f"more {number}": np.zeros(1) for number in range(10_000)}
    yield case("10,000 arrays more", _writing(LABELS, changed(**more)))


def _records(case: Callable[..., Case]) -> Iterator[Case]:
    """Other records than images, written in a process of its own: the writer has threads."""
    image = image_bytes("PNG")
    contents: dict[str, tuple[str, Callable[[], list[bytes]]]] = {
        "records of nothing": (UNCOMPRESSED, lambda: [b""] * 20),
        "one record less": (UNCOMPRESSED, lambda: [image] * 19),
        "one record more": (UNCOMPRESSED, lambda: [image] * 21),
        "no records": (UNCOMPRESSED, lambda: []),
        "compressed": (ZSTD, lambda: [image] * 20),
        "groups of 1,000": ("group_size:1000", lambda: [image] * 20),
        "a record of 2 GB of zeros": (ZSTD, lambda: [*[image] * 19, bytes(2**31 - 100)]),
        "records of 256 MB of zeros": (ZSTD, lambda: [bytes(2**28)] * 20),
    }
    for name, content in strange_images():

        def with_image(content: Any = content) -> list[bytes]:
            return [content() if callable(content) else content, *[image] * 19]

        contents[f"image: {name}"] = (UNCOMPRESSED, with_image)
    for name, (options, make) in contents.items():

        def change(data: Path, options: str = options, make: Callable[[], list[bytes]] = make) -> None:
            _write_records(data / TRAIN, options, make)

        yield case(name, change, seconds=20)


def _write_records(path: Path, options: str, make: Callable[[], list[bytes]]) -> None:
    pid = os.fork()
    if not pid:
        from array_record.python.array_record_module import ArrayRecordWriter

        writer = ArrayRecordWriter(str(path), options)
        for record in make():
            writer.write(record)
        writer.close()
        os._exit(0)
    os.waitpid(pid, 0)


def _writing(file: str, content: bytes) -> Callable[[Path], object]:
    return lambda data: (data / file).write_bytes(content)


def _instead(path: Path, make: Callable[[Path], None]) -> None:
    path.unlink()
    make(path)
