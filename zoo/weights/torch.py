"""Weights from and to torch state dicts, as torchvision and timm name them. Torch itself is not needed."""

from collections.abc import Iterable, Mapping
from typing import Any

import jax
import numpy as np

from zoo.errors import ZooError
from zoo.models.network import Network
from zoo.models.variables import init_shapes
from zoo.registry import create_model
from zoo.weights.head_and_aux import Part, part_leaves, with_aux
from zoo.weights.key_map import Names, translate
from zoo.weights.key_maps import names_of, sources_of
from zoo.weights.tree import Path, filled_tree, leaf_of, module_of, red_first

# Leaves of Conv, Dense and the norms, as torch calls them.
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
    source: str | None = None,
    *,
    model: Network | None = None,
    skip: Part | Iterable[Part] = (),
) -> dict[str, Any]:
    """{"params": ..., "batch_stats": ...} from a state dict of torch tensors or NumPy arrays.

    `source` says whose key names they are ("torchvision", "timm", ...); without it they are recognised. `model` is the
    network to fill where it is not the registry's default (other classes, auxiliary heads). `skip` leaves out the
    "head" (what depends on the number of classes), the auxiliary heads ("aux"), or both. Raises ZooError that lists
    the keys left over and missing, or a shape that does not fit.
    """
    arrays = {key: value for key, value in state_dict.items() if not key.endswith("num_batches_tracked")}
    model = model or create_model(model_name)
    names = names_of(model_name, source or recognised_source(model_name, arrays))

    def to_ours(array: np.ndarray, path: Path) -> np.ndarray:
        if (flattened := _flattened(path, names)) and array.size == len(array) * np.prod(flattened):
            return array.reshape(-1, *flattened).transpose(2, 3, 1, 0).reshape(-1, len(array))
        if array.ndim == 4:
            return red_first(array.transpose(2, 3, 1, 0), path, names)
        return array.T if array.ndim == 2 else array

    skipped = {torch_key(path, names) for path in part_leaves(model, skip)}
    return filled_tree(model_name, init_shapes(model), arrays, lambda path: torch_key(path, names), to_ours, skipped)


def to_torch(model_name: str, variables: Mapping[str, Any], source: str = "torchvision") -> dict[str, np.ndarray]:
    """The inverse of `from_torch`: NumPy arrays by torch's keys, without BatchNorm's `num_batches_tracked`."""
    names = names_of(model_name, source)
    return {
        torch_key(path, names): _to_torch(red_first(np.asarray(leaf), path, names), path, names)
        for path, leaf in jax.tree.leaves_with_path(variables)
    }


def recognised_source(model_name: str, keys: Iterable[str]) -> str:
    """Whose names the keys of a state dict are: the source that has most of them.

    Raises ZooError where none has any, or none is known for the network.
    """
    keys = set(keys)
    paths = [path for path, _ in jax.tree.leaves_with_path(init_shapes(with_aux(create_model(model_name))))]
    sources = [source for source in sources_of(model_name) if source != "keras"]
    if not sources:
        raise ZooError(f"no library's torch weights are known for {model_name}")
    common = {
        source: len(keys.intersection(torch_key(path, names_of(model_name, source)) for path in paths))
        for source in sources
    }
    best = max(sources, key=common.__getitem__)
    if not common[best]:
        examples = ", ".join(f"{torch_key(paths[0], names_of(model_name, source))} ({source})" for source in sources)
        raise ZooError(f"not the weights of {model_name}: its keys are such as {examples}")
    return best


def torch_key(path: Path, names: Names) -> str:
    """The state dict's key for a leaf of our variables, by its pytree path (the collection is its first part)."""
    module, leaf = module_of(path), leaf_of(path)
    if leaf in LEAVES:
        return f"{translate(module, names.rules)}.{LEAVES[leaf]}"
    return translate(f"{module}/{leaf}", names.rules)


def _flattened(path: Path, names: Names) -> tuple[int, int, int] | None:
    return names.flattened.get(module_of(path)) if leaf_of(path) == "kernel" else None


def _to_torch(array: np.ndarray, path: Path, names: Names) -> np.ndarray:
    if flattened := _flattened(path, names):
        channels, height, width = flattened
        convolution = array.reshape(height, width, channels, -1).transpose(3, 2, 0, 1)
        return convolution if module_of(path) in names.convolved else convolution.reshape(array.shape[1], -1)
    if leaf_of(path) in names.maps:
        return array[:, None, None]
    if array.ndim == 4:
        return array.transpose(3, 2, 0, 1)
    if array.ndim == 2 and module_of(path) in names.convolved:
        return array.T[:, :, None, None]
    return array.T if array.ndim == 2 else array
