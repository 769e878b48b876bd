"""Weights from files of any library, and to files with any library's keys."""

from pathlib import Path

import numpy as np
from safetensors.numpy import save as serialized

from zoo.errors import ZooError
from zoo.runtime.atomic_files import replacing
from zoo.weights.fetch import fetch_url
from zoo.weights.files import Weights, default_preprocessing, save
from zoo.weights.from_state_dict import from_state_dict
from zoo.weights.keras import from_keras, to_keras
from zoo.weights.pretrained import open_pretrained, weights_file
from zoo.weights.published import class_names
from zoo.weights.read_state_dict import read_state_dict
from zoo.weights.torch import to_torch

KERAS = (".h5", ".keras", ".hdf5")


def read_weights(model: str, path: str, source: str | None = None) -> Weights:
    """The weights of a network in a file, folder, URL or known source; `source` says whose they are, if it must.

    Raises ZooError for what cannot be read, or is not the network's.
    """
    if source == "keras" or (source is None and Path(path).suffix in KERAS):
        return _from_keras(model, Path(path).expanduser())
    if source is None:
        return open_pretrained(model, path)
    local = fetch_url(path) if "://" in path else Path(path).expanduser()
    return from_state_dict(model, read_state_dict(weights_file(local) if local.is_dir() else local), keys=source)


def write_weights(path: Path, weights: Weights, to: str = "zoo", *, half: bool = False) -> None:
    """Write a safetensors file, whole or not at all: ours, or a state dict with the keys of the library `to`.

    `half` makes the kernels of ours float16.

    Raises ZooError where that library has no such network, or the file cannot be written.
    """
    if to == "zoo":
        save(path, weights, half=half)
        return
    arrays = (
        to_keras(weights.model, weights.variables)
        if to == "keras"
        else to_torch(weights.model, weights.variables, source=to)
    )
    # As safetensors of torch have it; without, other readers refuse them.
    contents = serialized({key: np.ascontiguousarray(array) for key, array in arrays.items()}, {"format": "pt"})
    with replacing(path) as unfinished:
        unfinished.write_bytes(contents)


def _from_keras(model: str, path: Path) -> Weights:
    if not path.is_file():
        raise ZooError(f"there is no file {path}")
    variables = from_keras(model, path)
    preprocessing = default_preprocessing(model)
    return Weights(model=model, variables=variables, preprocessing=preprocessing, class_names=class_names())
