"""Arrays in a file: their shapes and types are known before any of their numbers is read."""

import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

import numpy as np

from zoo.errors import ZooError
from zoo.runtime.regular_file import open_regular, size_of
from zoo.runtime.similar_paths import similar_paths
from zoo.runtime.system_errors import reason

MAX_DIMENSIONS = 32
# Far more than files hold. A size of 0 must not hide others that NumPy cannot multiply.
MAX_SIZE = 2**48


@dataclass(frozen=True, eq=False)
class StoredArray:
    """An array of an open file; `read` gives it, in the file's type. Raises ValueError for a shape that NumPy lacks."""

    shape: tuple[int, ...]
    dtype: np.dtype
    read: Callable[[], np.ndarray]

    def __post_init__(self) -> None:
        if len(self.shape) > MAX_DIMENSIONS or min(self.shape, default=0) < 0 or self._product() > MAX_SIZE:
            raise ValueError(f"the shape {self.shape[:MAX_DIMENSIONS]}")

    def _product(self) -> int:
        return math.prod(max(size, 1) for size in self.shape)

    @property
    def nbytes(self) -> int:
        """The bytes that `read` gives."""
        return math.prod(self.shape) * self.dtype.itemsize

    def placeholder(self) -> np.ndarray:
        """An array of this shape and type that takes no memory; its values mean nothing."""
        return np.broadcast_to(np.empty((), self.dtype), self.shape)


@contextmanager
def open_weights(path: str | Path, sha256: str = "") -> Iterator[BufferedReader]:
    """Open a weights file, whose `name` is the path.

    Raises ZooError where it is missing, no regular file, or has a SHA-256 that does not begin with `sha256`.
    """
    try:
        file = open_regular(path)
    except FileNotFoundError:
        raise ZooError(f"there is no file {path}{similar_paths(path) or ': check the path'}") from None
    except (OSError, ValueError) as error:  # a NUL in the name
        raise ZooError(f"cannot read {path}: {reason(error)}") from None
    with file:
        if sha256 and not (found := sha256_of(file)).startswith(sha256.lower()):
            raise ZooError(f"{path} has the SHA-256 {found}, not {sha256}: the file was changed or is damaged")
        yield file


def sha256_of(file: BufferedReader) -> str:
    """The SHA-256 of an open file, in hexadecimal."""
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


def read_numbers(file: BufferedReader, start: int, count: int, dtype: np.dtype) -> np.ndarray:
    """`count` numbers of an open file from the byte `start`. Raises ZooError where they are not there."""
    # The file may have been cut since its size was compared with what its header claims.
    if start + count * dtype.itemsize > size_of(file):
        raise ZooError(f"cannot read {file.name}: it is truncated")
    numbers = np.empty(count, dtype)
    file.seek(start)
    if file.readinto(numbers.view(np.uint8)) != numbers.nbytes:  # type: ignore[arg-type]
        raise ZooError(f"cannot read {file.name}: it is truncated")
    return numbers
