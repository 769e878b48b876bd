"""A folder of images, and the same images as shards of each kind."""

import io
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
