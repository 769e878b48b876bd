"""A folder of images, and the same images as shards of each kind."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("9", "10", "dog")


def make_folder(folder: Path, images: int = 10) -> Path:
    """`images` of each class, every one different, as PNG and JPEG."""
    random = np.random.default_rng(0)
    for name in CLASSES:
        (folder / name).mkdir(parents=True)
        for number in range(images):
            pixels = Image.fromarray(random.integers(0, 256, (4, 6 + number, 3), np.uint8))
            pixels.save(folder / name / f"{number}.{'png' if number % 2 else 'jpg'}")
    return folder


def images_of(folder: Path) -> list[tuple[str, str, bytes]]:
    """(path below the folder, class, contents) in the order of `open_dataset`."""
    files = sorted(folder.rglob("*.*g"), key=lambda file: (CLASSES.index(file.parent.name), file.name))
    return [(str(file.relative_to(folder)), file.parent.name, file.read_bytes()) for file in files]


def add(tar: tarfile.TarFile, name: str, contents: bytes, **header: object) -> None:
    """Add a member, with other fields of its header."""
    member = tarfile.TarInfo(name)
    member.size = len(contents)
    for field, value in header.items():
        setattr(member, field, value)
    tar.addfile(member, io.BytesIO(contents))


def write_tars(folder: Path, images: list[tuple[str, str, bytes]], shards: int = 2, name: str = "photos") -> Path:
    """The images as tar shards, with their classes as .cls."""
    folder.mkdir(exist_ok=True)
    for shard in range(shards):
        part = images[shard * len(images) // shards : (shard + 1) * len(images) // shards]
        with tarfile.open(folder / f"{name}-{shard:05}-of-{shards:05}.tar", "w") as tar:
            for file, kind, contents in part:
                add(tar, file, contents)
                add(tar, f"{file.rpartition('.')[0]}.cls", kind.encode())
    return folder


def table_of(images: list[tuple[str, str, bytes]], classes: tuple[str, ...] = CLASSES):
    """The images as a table in the layout of the `datasets` library."""
    import pyarrow as pa

    records = [{"bytes": contents, "path": file} for file, _, contents in images]
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    columns = {
        "image": pa.array(records, kind),
        "label": pa.array([classes.index(name) for _, name, _ in images], pa.int64()),
    }
    features = {"image": {"_type": "Image"}, "label": {"names": list(classes), "_type": "ClassLabel"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    return pa.table(columns).replace_schema_metadata(metadata)


def write_table(path: Path, table, **options: object) -> Path:
    """A table as a Parquet file, an Arrow stream (.arrow) or an Arrow file (.file.arrow)."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        parquet.write_table(table, path, **{"row_group_size": 7, **options})
        return path
    new = pa.ipc.new_file if ".file" in path.suffixes else pa.ipc.new_stream
    with new(path, table.schema, **options) as writer:
        writer.write_table(table, max_chunksize=7)
    return path
