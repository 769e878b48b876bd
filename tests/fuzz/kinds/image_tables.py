"""Parquet and Arrow tables of images: their columns, their metadata, and pages that expand."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

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
from tests.fuzz.seeds import Seeds

FEATURES = {"image": {"_type": "Image"}, "label": {"names": list(CLASSES), "_type": "ClassLabel"}}
METADATA = {"info": {"features": FEATURES}}
GIGABYTE = 2**30


def cases(seeds: Seeds, seed: int, count: int) -> Iterator[Case]:
    """The cases of tables, where pyarrow is installed."""
    try:
        import pyarrow as pa
    except ImportError:
        return
    for form, suffix in FORMS.items():
        kind = f"{form} tables"
        valid = _bytes_of(form, table())
        yield shard_case(kind, "valid", _one(suffix, valid), "works")
        yield from other_commands(seeds, kind, _one(suffix, valid), "valid")
        for name, content in (*damaged(valid, seed, 3 * count), *cuts(valid)):
            yield shard_case(kind, name, _one(suffix, content))
        yield from _lengths(kind, suffix, valid)
        columns = {**_image_columns(pa), **_label_columns(pa), **_other_columns(pa)}
        for name, make in columns.items():
            if (form, name) == ("Parquet", "images of an empty record"):
                continue  # It cannot be written.
            yield shard_case(kind, name, partial(_write, make, form, suffix), seconds=20)
        yield from structures(kind, suffix, valid)
    for name, text, wrong in wrong_documents(METADATA):
        is_foreign = name.startswith("all +") or "unknown" in name or "twice" not in name
        changed = table().replace_schema_metadata({"huggingface": text.encode("utf-8", "surrogatepass")})
        expected = "refused" if wrong and not is_foreign else "either"
        yield shard_case(
            "metadata of tables", name, partial(_write, lambda c=changed: c, "Parquet", ".parquet"), expected
        )
    yield from _expanding(pa)


def _arrow_file(made: Any, **options: Any) -> bytes:
    return _arrow(made, "new_file", **options)


def _arrow_stream(made: Any, **options: Any) -> bytes:
    return _arrow(made, "new_stream", **options)


def _arrow(made: Any, new: str, **options: Any) -> bytes:
    import pyarrow as pa

    stream = io.BytesIO()
    with getattr(pa.ipc, new)(stream, made.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(made)
    return stream.getvalue()


def _parquet(made: Any, **options: Any) -> bytes:
    import pyarrow.parquet as parquet

    stream = io.BytesIO()
    parquet.write_table(made, stream, **options)
    return stream.getvalue()


FORMS = {"Parquet": ".parquet", "Arrow file": ".arrow", "Arrow stream": ".arrow"}
WRITERS: dict[str, Callable[..., bytes]] = {
    "Parquet": _parquet,
    "Arrow file": _arrow_file,
    "Arrow stream": _arrow_stream,
}


def _bytes_of(form: str, made: Any, **options: Any) -> bytes:
    return WRITERS[form](made, **options)


def _one(suffix: str, content: bytes) -> Callable[[Path], None]:
    return files({f"data/x{suffix}": content})


def _write(make: Callable[[], Any], form: str, suffix: str, folder: Path, **options: Any) -> None:
    _one(suffix, _bytes_of(form, make(), **options))(folder)


def table(**columns: Any) -> Any:
    """The valid table, with other columns."""
    import pyarrow as pa

    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    records = [{"bytes": content, "path": name} for name, _, content in example_images()]
    labels = [label for _, label, _ in example_images()]
    made = {"image": pa.array(records, kind), "label": pa.array(labels, pa.int64()), **columns}
    return pa.table(made).replace_schema_metadata({"huggingface": json.dumps(METADATA)})


def _image_columns(pa: Any) -> dict[str, Callable[[], Any]]:
    images = [content for _, _, content in example_images()]
    number = len(images)
    record = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    kinds: dict[str, tuple[list[Any], Any]] = {
        "bytes": (images, pa.binary()),
        "large bytes": (images, pa.large_binary()),
        "a view of bytes": (images, pa.binary_view()),
        "bytes of one size": (images, pa.binary(len(images[0]))),
        "a dictionary": (images, pa.dictionary(pa.int32(), pa.binary())),
        "text": (["/etc/passwd"] * number, pa.string()),
        "whole numbers": (list(range(number)), pa.int64()),
        "nothing": ([None] * number, pa.null()),
        "bytes, all missing": ([None] * number, pa.binary()),
        "records, all missing": ([None] * number, record),
        "records without bytes": ([{"bytes": None, "path": "/etc/passwd"}] * number, record),
        "empty bytes": ([b""] * number, pa.binary()),
        "lists of bytes": ([[image] for image in images], pa.list_(pa.binary())),
        "records of records": (
            [{"bytes": {"bytes": image}} for image in images],
            pa.struct({"bytes": pa.struct({"bytes": pa.binary()})}),
        ),
        "records with numbers as paths": (
            [{"bytes": image, "path": 1} for image in images],
            pa.struct({"bytes": pa.binary(), "path": pa.int64()}),
        ),
        "records with bytes as text": (
            [{"bytes": "nonsense", "path": "x"}] * number,
            pa.struct({"bytes": pa.string(), "path": pa.string()}),
        ),
        "an empty record": ([{}] * number, pa.struct([])),
        "a map": ([[("bytes", image)] for image in images], pa.map_(pa.string(), pa.binary())),
        "pixels": (
            [[[0, 1], [2, 3]]] * number,
            pa.list_(pa.list_(pa.uint8())),
        ),
    }
    made: dict[str, Callable[[], Any]] = {
        f"images of {name}": lambda values=values, kind=kind: table(image=pa.array(values, kind))
        for name, (values, kind) in kinds.items()
    }
    for name, path in {
        **STRANGE_NAMES,
        "..": "../../x",
        "absolute": "/etc/passwd",
        "nothing": "",
        "NUL": "a\0b",
    }.items():
        records = [{"bytes": image, "path": None} for image in images]
        records[5]["path"] = path.encode("utf-8", "surrogateescape")
        bytes_kind = pa.struct({"bytes": pa.binary(), "path": pa.binary()})
        made[f"a path with {name}"] = lambda records=records, kind=bytes_kind: table(
            image=_as_text(pa.array(records, kind))
        )
    for name, content in strange_images():

        def with_image(content: Any = content) -> Any:
            first = content() if callable(content) else content
            return table(image=pa.array([first, *images[1:]], pa.binary()))

        made[f"image: {name}"] = with_image
    return made


def _as_text(records: Any) -> Any:
    """Bytes of paths as text, whatever they are."""
    import pyarrow as pa

    images, paths = records.flatten()
    text = pa.Array.from_buffers(pa.string(), len(paths), paths.buffers())
    return pa.StructArray.from_arrays([images, text], ["bytes", "path"])


def _label_columns(pa: Any) -> dict[str, Callable[[], Any]]:
    right = [label for _, label, _ in example_images()]
    number = len(right)
    kinds: dict[str, tuple[list[Any], Any]] = {
        "a negative": ([*right[:-1], -2], pa.int64()),
        "-1": ([*right[:-1], -1], pa.int64()),
        "all -1": ([-1] * number, pa.int64()),
        "2": ([*right[:-1], 2], pa.int64()),
        "2^31": ([*right[:-1], 2**31], pa.int64()),
        "-2^63": ([*right[:-1], -(2**63)], pa.int64()),
        "2^64 - 1": ([*right[:-1], 2**64 - 1], pa.uint64()),
        "a missing": ([*right[:-1], None], pa.int64()),
        "all missing": ([None] * number, pa.int64()),
        "nothing": ([None] * number, pa.null()),
        "bytes": (right, pa.int8()),
        "halves": ([0.5] * number, pa.float64()),
        "NaN": ([float("nan")] * number, pa.float32()),
        "text": (["a"] * number, pa.string()),
        "true": ([True] * number, pa.bool_()),
        "a dictionary of text": (["a", "b"] * (number // 2), pa.dictionary(pa.int32(), pa.string())),
        "a dictionary of numbers": (right, pa.dictionary(pa.int32(), pa.int64())),
        "lists": ([[label] for label in right], pa.list_(pa.int64())),
        "records": ([{"label": label} for label in right], pa.struct({"label": pa.int64()})),
        "dates": (right, pa.timestamp("ns")),
        "decimals": (right, pa.decimal128(20, 0)),
        "one class": ([0] * number, pa.int64()),
    }
    return {
        f"labels of {name}": lambda values=values, kind=kind: table(label=pa.array(values, kind))
        for name, (values, kind) in kinds.items()
    }


def _other_columns(pa: Any) -> dict[str, Callable[[], Any]]:
    valid = table()
    image, label = valid.column("image"), valid.column("label")

    def deep() -> Any:
        column = pa.array([0] * valid.num_rows)
        for _ in range(60):
            column = pa.StructArray.from_arrays([column], ["x"])
        return valid.append_column("deep", column)

    return {
        "no columns": lambda: pa.table({}),
        "no rows": lambda: valid.slice(0, 0),
        "one row": lambda: valid.slice(0, 1),
        "an image column alone": lambda: valid.select(["image"]),
        "two columns called image": lambda: valid.append_column("image", image),
        "two columns called label": lambda: valid.append_column("label", label),
        "a column called image.bytes": lambda: valid.append_column("image.bytes", label),
        "a column with a dot": lambda: valid.rename_columns(["an.image", "label"]),
        "columns without names": lambda: valid.rename_columns(["", " "]),
        "columns with escapes": lambda: valid.rename_columns(["\x1b[31m", "\n<script>alert(1)</script>"]),
        "10,000 columns": lambda: pa.table(
            {**{f"c{number}": label for number in range(10_000)}, "image": image, "label": label}
        ),
        "60 records deep": deep,
        "a megabyte of metadata": lambda: valid.replace_schema_metadata({"x": "y" * 2**20}),
        "64 megabytes of metadata": lambda: valid.replace_schema_metadata({"huggingface": "[" * 2**26}),
        "10,000 classes": lambda: _with_names(valid, [str(number) for number in range(10_000)]),
        "names of classes with escapes": lambda: _with_names(valid, ["\x1b[31m", "<script>alert(1)</script>"]),
        "half a pair as a class": lambda: _with_names(valid, ["\ud800", "b"]),
    }


def _with_names(made: Any, names: list[str]) -> Any:
    features = {**FEATURES, "label": {"_type": "ClassLabel", "names": names}}
    return made.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def _lengths(kind: str, suffix: str, valid: bytes) -> Iterator[Case]:
    """Lengths that the file states of itself, at its ends."""
    for value in (0, 1, 2**16, 2**28, 2**31 - 1, 2**31, 2**32 - 1):
        number = struct.pack("<I", value)
        for name, place in {"first": 4, "third": 12, "last": len(valid) - 8, "but one": len(valid) - 10}.items():
            content = valid[:place] + number + valid[place + 4 :]
            yield shard_case(kind, f"the {name} number {value}", _one(suffix, content))
    if suffix == ".parquet":
        sparse = write_sparse("data/x.parquet", valid, 2**34, struct.pack("<I", 2**31) + b"PAR1")
        yield shard_case(kind, "a footer of 2 GB", sparse, "refused")
        for magic in (b"PARE", b"PAR2", b"\0\0\0\0"):
            yield shard_case(kind, f"{magic!r} at the ends", _one(suffix, magic + valid[4:-4] + magic), "refused")
    else:
        yield shard_case(kind, "16 GB of zeros behind", write_sparse(f"data/x{suffix}", valid, 2**34))


def _expanding(pa: Any) -> Iterator[Case]:
    """Files of a few megabytes that state or expand to gigabytes."""
    image = example_images()[0][2]
    zeros = bytes(64 * 2**20)

    def repeated(content: bytes, rows: int, **options: Any) -> bytes:
        column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array([content]))
        return _parquet(pa.table({"image": column, "label": pa.array(np.arange(rows) % 2)}), **options)

    def paths(length: int, rows: int) -> bytes:
        names = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array(["x" * length]))
        images = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array([image]))
        record = pa.StructArray.from_arrays([images, names], ["bytes", "path"])
        return _parquet(pa.table({"image": record, "label": pa.array(np.arange(rows) % 2)}), store_schema=False)

    def zero_pages(count: int, **options: Any) -> bytes:
        made = pa.table({"image": [zeros] * count, "label": [number % 2 for number in range(count)]})
        return _parquet(made, compression="zstd", use_dictionary=False, **options)

    made: dict[str, Callable[[], bytes]] = {
        "a page of a gigabyte of zeros": lambda: zero_pages(16, data_page_size=4 * GIGABYTE),
        "16 pages of zeros": lambda: zero_pages(16, data_page_size=1),
        "zeros, of pages of version 2": lambda: zero_pages(16, data_page_size=4 * GIGABYTE, data_page_version="2.0"),
        "20 million equal rows": lambda: repeated(image, 2 * 10**7, store_schema=False),
        "a million equal rows": lambda: repeated(image, 10**6, store_schema=False),
        "10,000 images of 64 MB in a dictionary": lambda: repeated(
            zeros, 10_000, store_schema=False, compression="zstd", dictionary_pagesize_limit=GIGABYTE
        ),
        "100,000 paths of a megabyte": lambda: paths(2**20 - 64, 100_000),
        "a million paths of 1,000 characters": lambda: paths(1000, 10**6),
    }
    for name, make in made.items():
        for stated in ("", ", stated to be small"):

            def write(folder: Path, make=make, stated=stated) -> None:
                _one(".parquet", _with_small_sizes(make()) if stated else make())(folder)

            yield shard_case("Parquet that expands", name + stated, write, seconds=20)
    for compression in ("gzip", "brotli", "zstd", "lz4", "snappy", "none"):
        write_compressed = partial(_write, table, "Parquet", ".parquet", compression=compression)
        yield shard_case("Parquet tables", f"compressed by {compression}", write_compressed, "works")
    for form in ("Arrow file", "Arrow stream"):
        for compression in ("zstd", "lz4"):
            write_compressed = partial(_write, table, form, ".arrow", compression=compression)
            yield shard_case(f"{form} tables", f"compressed by {compression}", write_compressed, "refused")


def _with_small_sizes(content: bytes) -> bytes:
    """The file with smaller uncompressed sizes in its footer: varints of a Thrift struct, of the same length."""
    import pyarrow.parquet as parquet

    metadata = parquet.read_metadata(io.BytesIO(content))
    start = len(content) - 8 - struct.unpack("<I", content[-8:-4])[0]
    footer = content[start:]
    for group in range(metadata.num_row_groups):
        for column in range(metadata.num_columns):
            size = metadata.row_group(group).column(column).total_uncompressed_size
            footer = footer.replace(_varint(size), _padded(len(_varint(size))))
    return content[:start] + footer


def _varint(value: int) -> bytes:
    zigzag, found = value * 2, bytearray()
    while zigzag > 127:
        found.append(zigzag & 127 | 128)
        zigzag >>= 7
    return bytes([*found, zigzag])


def _padded(length: int) -> bytes:
    """A small number in a varint of that length."""
    return b"\x88" + b"\x80" * (length - 2) + b"\x00" if length > 1 else b"\x08"
