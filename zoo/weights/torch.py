"""Weights from and to torch state dicts, with the keys of torchvision, timm and others. Torch itself is not needed."""

from collections.abc import Iterable, Mapping
from typing import Any

import jax
import numpy as np

from zoo.errors import ZooError
from zoo.models.network import Network
from zoo.models.variables import init_shapes
from zoo.registry import create_model
from zoo.weights.fold import refuse_folded
from zoo.weights.head_and_aux import Part, part_leaves, with_aux
from zoo.weights.key_map import KeyMap, translate
from zoo.weights.key_maps import find_key_map, known_key_maps
from zoo.weights.variable_tree import TreePath, bgr_to_rgb, fill_variables, leaf_of, module_of

# torch's names of the parameters of Conv, Dense and the norms.
LEAVES = {
    "kernel": "weight",
    "bias": "bias",
    "scale": "weight",
    "mean": "running_mean",
    "var": "running_var",
}


def from_torch(
    model_name: str,
    state_dict: Mapping[str, Any],
    key_map: str | None = None,
    *,
    model: Network | None = None,
    skip: Part | Iterable[Part] = (),
) -> dict[str, Any]:
    """{"params": ..., "batch_stats": ...} from a state dict of torch tensors or NumPy arrays.

    `key_map` is the library of the keys ("torchvision", "timm", ...); None recognises it. `model` is the network to
    fill where it is not the registry's default (another number of classes, auxiliary heads). `skip` leaves out the
    "head" (all that depends on the number of classes), the auxiliary heads ("aux"), or both. Raises ZooError with the
    keys that are missing and left over, or with a shape that does not fit.
    """
    arrays = {key: value for key, value in state_dict.items() if not key.endswith("num_batches_tracked")}
    model = model or create_model(model_name)
    mapping = find_key_map(model_name, key_map or recognise_key_map(model_name, arrays))

    def to_ours(array: np.ndarray, path: TreePath) -> np.ndarray:
        if (flattened := _flattened(path, mapping)) and array.size == len(array) * np.prod(flattened):
            return array.reshape(-1, *flattened).transpose(2, 3, 1, 0).reshape(-1, len(array))
        if array.ndim == 4:
            return bgr_to_rgb(array.transpose(2, 3, 1, 0), path, mapping)
        return array.T if array.ndim == 2 else array

    skipped = {torch_key(path, mapping) for path in part_leaves(model, skip)}
    return fill_variables(
        model_name,
        init_shapes(model),
        arrays,
        key_of=lambda path: torch_key(path, mapping),
        to_ours=to_ours,
        skipped=skipped,
    )


def to_torch(model_name: str, variables: Mapping[str, Any], key_map: str = "torchvision") -> dict[str, np.ndarray]:
    """The inverse of `from_torch`: NumPy arrays by torch's keys, without BatchNorm's `num_batches_tracked`.

    Raises ZooError for folded weights.
    """
    refuse_folded(model_name, variables, key_map)
    mapping = find_key_map(model_name, key_map)
    return {
        torch_key(path, mapping): _to_torch(bgr_to_rgb(np.asarray(leaf), path, mapping), path, mapping)
        for path, leaf in jax.tree.leaves_with_path(variables)
    }


def recognise_key_map(model_name: str, keys: Iterable[str]) -> str:
    """The library whose keys a state dict has: the one whose key map has most of them.

    Raises ZooError where no key map has any of them, or none is known for the network.
    """
    keys = set(keys)
    paths = [path for path, _ in jax.tree.leaves_with_path(init_shapes(with_aux(create_model(model_name))))]
    key_maps = {
        library: find_key_map(model_name, library) for library in known_key_maps(model_name) if library != "keras"
    }
    if not key_maps:
        raise ZooError(f"no library's torch weights are known for {model_name}")
    common = {
        library: len(keys.intersection(torch_key(path, key_map) for path in paths))
        for library, key_map in key_maps.items()
    }
    best = max(common, key=common.__getitem__)
    if not common[best]:
        examples = ", ".join(f"{torch_key(paths[0], key_map)} ({library})" for library, key_map in key_maps.items())
        raise ZooError(f"not the weights of {model_name}: expected keys such as {examples}")
    return best


def torch_key(path: TreePath, key_map: KeyMap) -> str:
    """The state dict's key for a leaf of our variables, by its pytree path (the collection is its first part)."""
    module, leaf = module_of(path), leaf_of(path)
    if leaf in LEAVES:
        return f"{translate(module, key_map.rules)}.{LEAVES[leaf]}"
    return translate(f"{module}/{leaf}", key_map.rules)


def _flattened(path: TreePath, key_map: KeyMap) -> tuple[int, int, int] | None:
    return key_map.flattened.get(module_of(path)) if leaf_of(path) == "kernel" else None


def _to_torch(array: np.ndarray, path: TreePath, key_map: KeyMap) -> np.ndarray:
    if flattened := _flattened(path, key_map):
        channels, height, width = flattened
        convolution = array.reshape(height, width, channels, -1).transpose(3, 2, 0, 1)
        return convolution if module_of(path) in key_map.convolved else convolution.reshape(array.shape[1], -1)
    if leaf_of(path) in key_map.maps:
        return array[:, None, None]
    if array.ndim == 4:
        return array.transpose(3, 2, 0, 1)
    if array.ndim == 2 and module_of(path) in key_map.convolved:
        return array.T[:, :, None, None]
    return array.T if array.ndim == 2 else array
