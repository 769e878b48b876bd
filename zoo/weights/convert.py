"""Read weights from files of any library, and write files with the keys of any library."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors.numpy import save as serialized

from zoo.runtime.atomic_files import replacing
from zoo.runtime.home_folder import expand_home
from zoo.weights.fetch import stated_digest
from zoo.weights.files import Weights, default_preprocessing, save
from zoo.weights.fold import fold_weights
from zoo.weights.from_state_dict import from_state_dict
from zoo.weights.keras import from_keras, to_keras
from zoo.weights.key_maps import find_key_map, known_key_maps
from zoo.weights.origin import origin_of_file
from zoo.weights.pretrained import fetched, load_pretrained, weights_file
from zoo.weights.read_state_dict import open_state_dict
from zoo.weights.source import source_of_file
from zoo.weights.stored_array import open_weights
from zoo.weights.torch import to_torch

# Libraries whose keys a file may have.
INPUT_KEY_MAPS = (
    *("torchvision", "timm", "timm_reparameterized", "keras", "lukemelas", "cadene", "pytorchcv", "transformers"),
)
KERAS_SUFFIXES = (".h5", ".keras", ".hdf5")


def read_weights(model: str, path: str, key_map: str | None = None) -> Weights:
    """The weights of a network from a file, a folder, a URL or a tag.

    `key_map` is the library whose keys the file has, or `like` of `load_pretrained`; None recognises it. Raises
    ZooError where the weights cannot be read or are not of this network.
    """
    if key_map == "keras" or (key_map is None and Path(path).suffix in KERAS_SUFFIXES):
        return _from_keras(model, expand_home(path))
    if key_map not in known_key_maps(model) and key_map not in INPUT_KEY_MAPS:
        return load_pretrained(model, path, like=key_map or "")
    local = fetched(path) or expand_home(path)
    file = weights_file(local) if local.is_dir() else local
    with open_state_dict(file, stated_digest(path)) as (opened, state_dict):
        origin = replace(origin_of_file(model, opened), key_map=key_map)
        return replace(from_state_dict(model, state_dict, origin), source=source_of_file(opened, origin.published))


def write_weights(path: Path, weights: Weights, key_map: str = "zoo", *, half: bool = False) -> None:
    """Write a safetensors file atomically: ours, or a state dict with the keys of the library `key_map`.

    `half` stores the kernels of our file as float16. Weights are folded where that library's are. Raises ZooError where
    that library has no such network, or the file cannot be written.
    """
    if key_map == "zoo":
        save(path, weights, half=half)
        return
    if find_key_map(weights.model, key_map).fields.get("folded") and not weights.fields.get("folded"):
        weights = fold_weights(weights)
    arrays = (
        to_keras(weights.model, weights.variables)
        if key_map == "keras"
        else to_torch(weights.model, weights.variables, key_map=key_map)
    )
    # Other libraries refuse a file without this metadata, which torch's safetensors have.
    contents = serialized({key: np.ascontiguousarray(array) for key, array in arrays.items()}, {"format": "pt"})
    with replacing(path) as unfinished:
        unfinished.write_bytes(contents)


def _from_keras(model: str, path: Path) -> Weights:
    variables = from_keras(model, path)
    # The digest only of a file that was accepted.
    with open_weights(path) as file:
        source = source_of_file(file)
    return Weights(model=model, variables=variables, preprocessing=default_preprocessing(model), source=source)
