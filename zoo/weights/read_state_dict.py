"""Read state dicts from files of other libraries, without running code from a file."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.runtime.regular_file import size_of
from zoo.weights.checkpoint_contents import find_state_dict
from zoo.weights.numpy_file import read_numpy
from zoo.weights.safetensors_file import read_safetensors
from zoo.weights.stored_array import StoredArray, open_weights
from zoo.weights.torch_file import read_torch

SAFETENSORS = (".safetensors",)
NUMPY = (".npz",)
# ".tar" as in "model_best.pth.tar", of PyTorch's example; ".ckpt" of Lightning. Neither is a tar archive.
TORCH = (".pth", ".pt", ".bin", ".tar", ".ckpt")
SUFFIXES = SAFETENSORS + NUMPY + TORCH
# Weights that two layers share are in a file once, and NumPy's may be compressed.
MAX_EXPANSION = 4
MAX_UNCHECKED = 2**29


def read_state_dict(path: str | Path) -> dict[str, np.ndarray]:
    """{key: array} of a .safetensors, .npz, .pth, .pt, .bin, .tar or .ckpt file; torch is not needed.

    The keys are those of the file. Of what a training script saves, the state dict is taken as `find_state_dict`
    chooses it, and half precision becomes float32. Raises ZooError for a file that is missing or damaged, that holds no
    state dict, or that would run code.
    """
    with open_state_dict(path) as (file, stored):
        if sum(array.nbytes for array in stored.values()) > max(MAX_UNCHECKED, MAX_EXPANSION * size_of(file)):
            raise ZooError(f"cannot read {path}: its tensors are much larger than the file")
        arrays = {key: array.read() for key, array in stored.items()}
    # NumPy's kind of bfloat16 and the other short formats of ml_dtypes is V.
    return {key: array.astype(np.float32) if array.dtype.kind in "fV" else array for key, array in arrays.items()}


@contextmanager
def open_state_dict(path: str | Path, sha256: str = "") -> Iterator[tuple[BufferedReader, Mapping[str, StoredArray]]]:
    """The open file, and the arrays of its state dict, not read yet. Raises ZooError as `read_state_dict`, and as
    `open_weights` where it has another SHA-256.
    """
    with open_weights(path, sha256) as file:
        yield file, stored_state_dict(file)


def stored_state_dict(file: BufferedReader) -> Mapping[str, StoredArray]:
    """The arrays of the state dict in an open file, not read yet. Raises ZooError as `read_state_dict`."""
    suffix = Path(file.name).suffix.lower()
    if suffix not in SUFFIXES:
        raise ZooError(f"{file.name} does not have the suffix of a weights file, which is one of {', '.join(SUFFIXES)}")
    return find_state_dict(file.name, _contents(file, suffix))


def _contents(file: BufferedReader, suffix: str) -> Any:
    if suffix in SAFETENSORS:
        return read_safetensors(file).arrays
    return read_numpy(file) if suffix in NUMPY else read_torch(file)
