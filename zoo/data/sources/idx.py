"""IDX, the MNIST family's own format: https://yann.lecun.com/exdb/mnist, gzipped or not."""

import gzip
import math
import struct
import zlib
from io import BufferedReader
from pathlib import Path

import numpy as np

from zoo.data.dataset import ArraySource, Dataset, path_safe
from zoo.data.errors import DataError
from zoo.printable import one_line
from zoo.runtime.regular_file import open_regular, size_of
from zoo.runtime.system_errors import error_number, reason

_FILES = {
    "train": ("train-images", "train-labels"),
    "test": ("t10k-images", "t10k-labels"),
}
_UBYTE = 8
ByteFile = BufferedReader | gzip.GzipFile
# Bytes of a gzipped file that are read without counting them first, and how many times its size a larger one may hold:
# images have a twentieth, and zeros a thousandth.
MAX_UNCHECKED = 2**27
MAX_RATIO = 100
CHUNK_SIZE = 2**20


def is_idx_folder(folder: Path) -> bool:
    """Whether the folder holds at least one file with an IDX name of the MNIST family."""
    return any(_find(folder, stem, dims) for pair in _FILES.values() for dims, stem in zip((3, 1), pair, strict=True))


def open_idx(folder: Path) -> Dataset:
    """Open a folder with the MNIST family's four IDX files; the classes are named by their numbers."""
    train, test = (_open_split(folder, *stems) for stems in _FILES.values())
    classes = 1 + int(max(train.labels.max(), test.labels.max()))
    return Dataset(
        path_safe(folder.resolve().name),
        train,
        test,
        tuple(map(str, range(classes))),
        train.images.shape[1:],
        split="the files train and t10k",
    )


def read_idx(path: Path, dims: int) -> np.ndarray:
    """Read an IDX file of unsigned bytes as uint8 with `dims` dimensions; DataError when it is not that."""
    try:
        with open_regular(path) as file:
            return _read_zipped(path, file, dims) if path.suffix == ".gz" else _read_plain(path, file, dims)
    except (OSError, EOFError, zlib.error) as error:
        if error_number(error):
            raise DataError(f"cannot read {path}: {reason(error)}") from error
        raise DataError(f"cannot read {path} ({one_line(error)}): copy or download it again") from error


def _read_plain(path: Path, file: BufferedReader, dims: int) -> np.ndarray:
    shape = _read_shape(path, file, dims)
    _check_size(path, math.prod(shape), size_of(file) - file.tell())
    return _read_pixels(path, file, shape)


def _read_zipped(path: Path, file: BufferedReader, dims: int) -> np.ndarray:
    unzipped = gzip.GzipFile(fileobj=file)
    shape = _read_shape(path, unzipped, dims)
    size = math.prod(shape)
    if size > MAX_UNCHECKED:
        if size > MAX_RATIO * size_of(file):
            raise DataError(f"{path} declares {size:,} bytes, more than {MAX_RATIO} times its own: is it damaged?")
        # The memory is for what is there.
        start, found = unzipped.tell(), 0
        while found <= size and (part := len(unzipped.read(CHUNK_SIZE))):
            found += part
        _check_size(path, size, found)
        unzipped.seek(start)
    return _read_pixels(path, unzipped, shape)


def _read_shape(path: Path, file: ByteFile, dims: int) -> tuple[int, ...]:
    magic = file.read(4)
    if magic != bytes((0, 0, _UBYTE, dims)):
        expected = f"0000{_UBYTE:02x}{dims:02x}"
        raise DataError(f"{path} is no IDX file of {dims}-D bytes: it starts with {magic.hex()}, not {expected}")
    header = file.read(4 * dims)
    if len(header) < 4 * dims:
        raise DataError(f"{path} is truncated in its header: copy or download it again")
    shape = struct.unpack(f">{dims}I", header)
    # NumPy cannot multiply all sizes beside a zero.
    if 0 in shape:
        raise DataError(f"{path} holds no {'labels' if dims == 1 else 'images'}")
    return shape


def _read_pixels(path: Path, file: ByteFile, shape: tuple[int, ...]) -> np.ndarray:
    # One byte more than declared shows a surplus.
    data = file.read(math.prod(shape) + 1)
    _check_size(path, math.prod(shape), len(data))
    return np.frombuffer(data, np.uint8).reshape(shape)


def _check_size(path: Path, declared: int, found: int) -> None:
    if found != declared:
        what, holds = ("truncated", f"{found}") if found < declared else ("too long", "more")
        raise DataError(f"{path} is {what}: its header declares {declared} bytes, it holds {holds}")


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
    return ArraySource(images[..., None], labels)


def _find(folder: Path, stem: str, dims: int) -> Path | None:
    names = (f"{stem}{dash}idx{dims}-ubyte{gz}" for dash in "-." for gz in ("", ".gz"))
    return next((folder / name for name in names if (folder / name).is_file()), None)
