"""IDX, the MNIST family's own format: https://yann.lecun.com/exdb/mnist, gzipped or not."""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from zoo.data.dataset import ArraySource, Dataset, path_safe
from zoo.data.errors import DataError, short_message

_FILES = {
    "train": ("train-images", "train-labels"),
    "test": ("t10k-images", "t10k-labels"),
}
_UBYTE = 8


def is_idx_folder(folder: Path) -> bool:
    """Whether the folder holds at least one file with an IDX name of the MNIST family."""
    return any(_find(folder, stem, dims) for pair in _FILES.values() for dims, stem in zip((3, 1), pair, strict=True))


def open_idx(folder: Path) -> Dataset:
    """Open a folder with the MNIST family's four IDX files; the classes are named by their numbers."""
    train, test = (_open_split(folder, *stems) for stems in _FILES.values())
    classes = 1 + int(max(train.labels.max(), test.labels.max()))
    return Dataset(
        path_safe(folder.resolve().name), train, test, tuple(map(str, range(classes))), train.images.shape[1:]
    )


def read_idx(path: Path, dims: int) -> np.ndarray:
    """Read an IDX file of unsigned bytes as uint8 with `dims` dimensions; DataError when it is not that."""
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            magic = file.read(4)
            if magic != bytes((0, 0, _UBYTE, dims)):
                expected = f"0000{_UBYTE:02x}{dims:02x}"
                raise DataError(
                    f"{path} is no IDX file of {dims}-D bytes: it starts with {magic.hex()}, not {expected}"
                )
            header = file.read(4 * dims)
            if len(header) < 4 * dims:
                raise DataError(f"{path} is truncated in its header: copy or download it again")
            shape = struct.unpack(f">{dims}I", header)
            size = math.prod(shape)
            # One byte more than declared shows a surplus, and a crafted gzip cannot fill the memory.
            data = file.read(size + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"cannot read {path} ({short_message(error)}): copy or download it again") from error
    if len(data) != size:
        found = f"{len(data)}" if len(data) < size else "more"
        what = "truncated" if len(data) < size else "too long"
        raise DataError(f"{path} is {what}: its header declares {size} bytes, it holds {found}")
    return np.frombuffer(data, np.uint8).reshape(shape)


def _open_split(folder: Path, images_stem: str, labels_stem: str) -> ArraySource:
    paths = []
    for stem, dims in ((images_stem, 3), (labels_stem, 1)):
        path = _find(folder, stem, dims)
        if path is None:
            raise DataError(f"{folder} has no {stem}-idx{dims}-ubyte or .gz: a folder of IDX files needs all four")
        paths.append(path)
    images, labels = read_idx(paths[0], 3), read_idx(paths[1], 1)
    if len(images) != len(labels):
        raise DataError(f"{paths[0]} holds {len(images)} images but {paths[1]} {len(labels)} labels: are they a pair?")
    if not images.size:
        raise DataError(f"{paths[0]} holds no images")
    return ArraySource(images[..., None], labels)


def _find(folder: Path, stem: str, dims: int) -> Path | None:
    names = (f"{stem}{dash}idx{dims}-ubyte{gz}" for dash in "-." for gz in ("", ".gz"))
    return next((folder / name for name in names if (folder / name).is_file()), None)
