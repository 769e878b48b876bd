"""Weights from and to torch state dicts, as torchvision and timm name them. Torch itself is not needed."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from zoo.errors import ZooError
from zoo.inference import init_shapes
from zoo.models.network import Network
from zoo.registry import create_model
from zoo.weights.names import names_of
from zoo.weights.rules import Names, translate

# Leaves of Conv, Dense and the norms, as torch calls them.
LEAVES = {
    "kernel": "weight",
    "bias": "bias",
    "scale": "weight",
    "mean": "running_mean",
    "var": "running_var",
}


def from_torch(
    model_name: str, state_dict: Mapping[str, Any], source: str = "torchvision", model: Network | None = None
) -> dict[str, Any]:
    """{"params": ..., "batch_stats": ...} from a state dict of torch tensors or NumPy arrays.

    `model` is the network to fill where it is not the registry's default (other classes, auxiliary heads). Raises
    ZooError that lists the keys left over and missing, or a shape that does not fit.
    """
    names = names_of(model_name, source)
    left = {key: value for key, value in state_dict.items() if not key.endswith("num_batches_tracked")}
    shapes, tree = jax.tree.flatten_with_path(init_shapes(model or create_model(model_name)))
    leaves, missing = [], []
    for path, shape in shapes:
        key = torch_key(path, names)
        if key in left:
            leaves.append(_to_ours(np.asarray(left.pop(key)), shape.shape, key, _flattened(path, names)))
        else:
            missing.append(key)
    if missing or left:
        raise ZooError(f"not the weights of {model_name}: missing {_brief(missing)}; left over {_brief(left)}")
    return jax.tree.unflatten(tree, leaves)


def to_torch(model_name: str, variables: Mapping[str, Any], source: str = "torchvision") -> dict[str, np.ndarray]:
    """The inverse of `from_torch`: NumPy arrays by torch's keys, without BatchNorm's `num_batches_tracked`."""
    names = names_of(model_name, source)
    state_dict = {}
    for path, leaf in jax.tree.leaves_with_path(variables):
        state_dict[torch_key(path, names)] = _to_torch(np.asarray(leaf), _leaf(path), _flattened(path, names), names)
    return state_dict


def torch_key(path: tuple[Any, ...], names: Names) -> str:
    """The state dict's key for a leaf of our variables, by its pytree path (the collection is its first part)."""
    module, leaf = _module(path), _leaf(path)
    if leaf in LEAVES:
        return f"{translate(module, names.rules)}.{LEAVES[leaf]}"
    return translate(f"{module}/{leaf}", names.rules)


def _module(path: tuple[Any, ...]) -> str:
    return "/".join(part.key for part in path[1:-1])


def _leaf(path: tuple[Any, ...]) -> str:
    return path[-1].key


def _flattened(path: tuple[Any, ...], names: Names) -> tuple[int, int, int] | None:
    return names.flattened.get(_module(path)) if _leaf(path) == "kernel" else None


def _to_ours(array: np.ndarray, shape: tuple[int, ...], key: str, flattened: tuple[int, int, int] | None) -> np.ndarray:
    if array.size != np.prod(shape):
        raise ZooError(f"{key} has the shape {array.shape}, which does not fit {shape}")
    if flattened:
        array = array.reshape(-1, *flattened).transpose(2, 3, 1, 0)
    elif array.ndim == 4:
        array = array.transpose(2, 3, 1, 0)
    elif array.ndim == 2:
        array = array.T
    return array.astype(np.float32).reshape(shape)


def _to_torch(array: np.ndarray, leaf: str, flattened: tuple[int, int, int] | None, names: Names) -> np.ndarray:
    if flattened:
        channels, height, width = flattened
        return array.reshape(height, width, channels, -1).transpose(3, 2, 0, 1).reshape(array.shape[1], -1)
    if leaf in names.maps:
        return array[:, None, None]
    if array.ndim == 4:
        return array.transpose(3, 2, 0, 1)
    return array.T if array.ndim == 2 else array


def _brief(keys: Any, limit: int = 5) -> str:
    keys = sorted(keys)
    more = f" and {len(keys) - limit} more" if len(keys) > limit else ""
    return ", ".join(keys[:limit]) + more if keys else "none"
