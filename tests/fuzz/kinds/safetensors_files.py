"""Weights files: the metadata of zoo's own, and the header and the arrays of any safetensors file."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.fuzz.case import Case
from tests.fuzz.kinds.files import files, predict
from tests.fuzz.mutate import damaged, wrong_documents
from tests.fuzz.seeds import Seeds

METADATA = "__metadata__"
# Fields that a weights file may not set, or not so: someone else's file decides on the results only.
FORBIDDEN_FIELDS: dict[str, Any] = {
    "dtype": "float64", "param_dtype": "float16", "name": "x", "parent": None, "act": "relu", "unknown": 1,
    "num_classes": 10**12, "image_shape": [10**6, 10**6, 1], "aux_heads": "yes", "remat": 3, "scope": {},
}  # fmt: skip


def split(content: bytes) -> tuple[dict[str, Any], bytes]:
    """The header and the data of a safetensors file."""
    size = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def joined(header: dict[str, Any] | str, data: bytes) -> bytes:
    """The inverse of `split`; the header may be a text that is not JSON."""
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    return struct.pack("<Q", len(text)) + text + data


def cases(seeds: Seeds, seed: int, count: int) -> Iterator[Case]:
    """The cases of weights files in safetensors."""
    content = seeds.weights.read_bytes()
    header, data = split(content)

    def case(name: str, changed: bytes, expected: Any = "refused", kind: str = "safetensors header") -> Case:
        return Case(
            kind=kind,
            name=name,
            arguments=predict(seeds, "w.safetensors"),
            write=files({"w.safetensors": changed}),
            expected=expected,
        )

    yield case("valid", content, "works")
    for name, metadata, wrong in wrong_metadata(header[METADATA]):
        changed = joined({**header, METADATA: metadata}, data)
        yield case(name, changed, "refused" if wrong else "either", "weights metadata")
    for name, text, wrong in wrong_headers(header):
        yield case(name, joined(text, data), "refused" if wrong else "either")
    for size in (0, 1, len(data), 2**31, 2**40, 2**63, 2**64 - 1):
        yield case(f"header of {size} bytes", struct.pack("<Q", size) + content[8:])
    for name, changed in damaged(content, seed, count):
        yield case(name, changed, "either")
    yield Case(
        kind="safetensors header",
        name="sparse file of 1 TB",
        arguments=predict(seeds, "w.safetensors"),
        write=lambda folder: _write_sparse(folder / "w.safetensors", header),
    )


def wrong_metadata(metadata: dict[str, str]) -> Iterator[tuple[str, dict[str, str], bool]]:
    """(name, metadata, whether it is surely wrong); the values of the metadata are themselves JSON."""
    documents = {name: json.loads(text) for name, text in metadata.items() if name != "format"}
    for key, document in documents.items():
        for name, text, wrong in wrong_documents(document):
            yield f"{key}: {name}", {**metadata, key: text}, wrong and key != "dataset"
        yield f"{key} missing", {name: text for name, text in metadata.items() if name != key}, key != "dataset"
    for key, value in FORBIDDEN_FIELDS.items():
        fields = json.dumps({**documents["fields"], key: value})
        yield f"fields: {key} = {value}", {**metadata, "fields": fields}, True
    yield "format 2", {**metadata, "format": "zoo 2"}, True
    yield "unknown", {**metadata, "unknown": "1"}, True
    yield "dataset is a path", {**metadata, "dataset": json.dumps("../../etc")}, True
    for number in (1, 1000, 2**30):
        yield f"{number} class names", {**metadata, "class_names": json.dumps(["x"] * min(number, 10**6))}, True


def wrong_headers(header: dict[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """(name, text of the header, whether it is surely wrong), with changed descriptions of the tensors."""
    key = next(name for name in header if name.endswith("kernel"))
    tensor = header[key]
    # The description of one tensor is all that differs between them.
    for name, text, _ in wrong_documents(tensor):
        whole = json.dumps({**header, key: "@@tensor@@"}).replace('"@@tensor@@"', text)
        yield f"tensor: {name}", whole, not name.endswith(("twice", "+ unknown"))
    start, end = tensor["data_offsets"]
    other = next(name for name in header if name not in (key, METADATA))
    shape = tensor["shape"]
    for name, change in {
        "shape of a terabyte": {"shape": [2**20, 2**20]},
        "shape that overflows": {"shape": [2**32, 2**32, 2**32]},
        "as many dimensions": {"shape": [1] * 100_000 + shape},
        "reversed shape": {"shape": shape[::-1]},
        "float64": {"dtype": "F64"},
        "integers of the same size": {"dtype": "I32"},
        "unknown type": {"dtype": "F4711"},
        "reversed offsets": {"data_offsets": [end, start]},
        "offsets beyond the file": {"data_offsets": [start + 2**40, end + 2**40]},
        "offsets of another tensor": {"data_offsets": header[other]["data_offsets"]},
        "no data": {"data_offsets": [start, start]},
    }.items():
        yield name, json.dumps({**header, key: {**tensor, **change}}), True
    yield "one tensor less", json.dumps({name: value for name, value in header.items() if name != key}), True
    yield "one tensor more", json.dumps({**header, "more": tensor}), True
    yield "no tensors", json.dumps({METADATA: header[METADATA]}), True
    yield "a million tensors", json.dumps({**header, **{f"t{i}": tensor for i in range(10**6)}}), True
    metadata_of_numbers = {**header, METADATA: {"format": 1}}
    yield "metadata of numbers", json.dumps(metadata_of_numbers), True
    yield "no metadata", json.dumps({name: value for name, value in header.items() if name != METADATA}), True
    yield "nested", json.dumps(header)[:-1] + ', "x": ' + "[" * 100_000 + "]" * 100_000 + "}", True
    yield "key with an escape", json.dumps({**header, "\x1b[31m\n": tensor}), True


def _write_sparse(path: Path, header: dict[str, Any]) -> None:
    """A tensor of a terabyte, all of which is in the file, though not on the disk."""
    key = next(name for name in header if name.endswith("kernel"))
    size = 2**40
    text = {METADATA: header[METADATA], key: {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}}
    with path.open("wb") as file:
        file.write(joined(text, b""))
        file.truncate(file.tell() + size)
