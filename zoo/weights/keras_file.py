"""Keras's weights files: checked against the network's sizes before Keras, which is needed, reads their numbers."""

import os
import shutil
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from math import prod
from pathlib import Path
from typing import Any

import jax
import numpy as np

from zoo.errors import ZooError
from zoo.models.network import Network
from zoo.models.variables import init_shapes
from zoo.printable import one_line
from zoo.runtime.regular_file import size_of
from zoo.runtime.zip_directory import zip_entries
from zoo.weights.original_names import KERAS, KERAS_TOO
from zoo.weights.stored_array import open_weights
from zoo.weights.variable_tree import as_numpy

ARCHIVE_SUFFIX = ".keras"
# The weights within a .keras archive, and the name by which Keras recognises such a file.
ARCHIVED = "model.weights.h5"
# With the state of an optimizer, a file has the network's numbers three times.
MAX_COPIES = 4
MAX_OVERHEAD = 2**24


def read_keras(model_name: str, path: Path, model: Network) -> dict[str, np.ndarray]:
    """{path: array} of a weights file. Raises ZooError where Keras is missing or cannot read it."""
    originals = KERAS | KERAS_TOO
    if model_name not in originals:
        raise ZooError(f"Keras has no {model_name}; it has {', '.join(originals)}")
    with open_weights(path) as file:
        # Keras takes an empty one for none, and then TensorFlow.
        os.environ["KERAS_BACKEND"] = os.environ.get("KERAS_BACKEND") or "jax"
        try:
            import h5py  # noqa: F401
            import keras
        except ModuleNotFoundError as error:
            # The library behind KERAS_BACKEND is another matter.
            if error.name not in ("keras", "h5py"):
                raise
            raise ZooError(f"reading {path.name} needs Keras: pip install keras h5py") from None
        sizes = Counter(prod(leaf.shape) for leaf in jax.tree.leaves(init_shapes(model)))
        try:
            with _named_for_keras(file, MAX_COPIES * 4 * _total(sizes) + MAX_OVERHEAD) as name:
                _check_datasets(name, sizes)
                original = getattr(keras.applications, originals[model_name])(weights=None, classes=model.num_classes)
                original.load_weights(name)
        except Exception as error:
            # Keras and HDF5 raise errors of many classes for a file that is not theirs.
            original_name = originals[model_name]
            raise ZooError(f"{path} is not a weights file of Keras's {original_name}: {one_line(error)}") from None
    return {weight.path: as_numpy(weight) for weight in original.weights}


@contextmanager
def _named_for_keras(file: BufferedReader, limit: int) -> Iterator[Path]:
    """A name for the weights in an open file, as Keras opens what it reads. Raises ValueError beyond the limit."""
    path = Path(file.name)
    with tempfile.TemporaryDirectory(prefix="zoo-") as folder:
        if path.suffix == ARCHIVE_SUFFIX:
            yield _extracted(file, limit, Path(folder, ARCHIVED))
        elif size_of(file) > limit:
            raise ValueError(f"it has {size_of(file):,} bytes, and the network needs fewer than {limit:,}")
        elif Path(f"/dev/fd/{file.fileno()}").exists():
            # A link to the file that is open, whatever its name means by now.
            link = Path(folder, path.name)
            link.symlink_to(f"/dev/fd/{file.fileno()}")
            yield link
        else:
            yield path


def _extracted(file: BufferedReader, limit: int, target: Path) -> Path:
    if zip_entries(file)[ARCHIVED].file_size > limit:
        raise ValueError(f"its weights have more than {limit:,} bytes")
    with zipfile.ZipFile(file) as archive, archive.open(ARCHIVED) as packed, target.open("wb") as unpacked:
        shutil.copyfileobj(packed, unpacked)
    return target


def _check_datasets(name: Path, sizes: Counter[int]) -> None:
    """Raises ValueError where the datasets are not those of the network by their numbers of elements, or far more."""
    import h5py

    found: Counter[int] = Counter()

    def count(_: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[item.size or 0] += 1
            if found.total() > MAX_OVERHEAD // 2**10 or _total(found) > MAX_COPIES * _total(sizes) + MAX_OVERHEAD:
                raise ValueError("it has far more numbers than the network")

    with h5py.File(name, "r") as opened:
        opened.visititems(count)
    if missing := sizes - found:
        raise ValueError(f"it lacks {missing.total()} of {sizes.total()} arrays of the network, by their sizes")


def _total(sizes: Counter[int]) -> int:
    return sum(size * count for size, count in sizes.items())
