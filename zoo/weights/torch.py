"""Weights from and to torch state dicts, with the keys of torchvision, timm and others. Torch itself is not needed."""

from collections.abc import Iterable, Mapping
from typing import Any

import jax
import numpy as np

from zoo.errors import ZooError
from zoo.models.network import Network
from zoo.models.variables import init_shapes
from zoo.registry import create_model
from zoo.weights.checkpoint_contents import find_state_dict
from zoo.weights.fold import check_folded, refuse_folded
from zoo.weights.head_and_aux import Part, part_leaves
from zoo.weights.key_map import KeyMap, is_one_of
from zoo.weights.key_maps import find_key_map
from zoo.weights.torch_keys import MatchedKeys, match_keys, torch_key
from zoo.weights.variable_tree import TreePath, bgr_to_rgb, fill_variables, leaf_of, module_of


def from_torch(
    model_name: str,
    state_dict: Mapping[str, Any],
    key_map: str | None = None,
    *,
    model: Network | None = None,
    skip: Part | Iterable[Part] = (),
) -> dict[str, Any]:
    """{"params": ..., "batch_stats": ...} from a state dict of torch tensors or NumPy arrays.

    `key_map` is the library of the keys ("torchvision", "timm", ...); None recognises it. What training scripts put in
    front of the keys is taken off, as `match_keys` says, and a state dict within a checkpoint is found. `model` is the
    network to fill where it is not the registry's default (another number of classes, auxiliary heads). `skip` leaves
    out the "head" (all that depends on the number of classes), the auxiliary heads ("aux"), or both. Raises ZooError
    with the keys that are missing and left over, or with a shape that does not fit.
    """
    if not isinstance(state_dict, Mapping) or any(isinstance(value, Mapping) for value in state_dict.values()):
        state_dict = find_state_dict("the checkpoint", state_dict)
    matched = match_keys(model_name, state_dict, key_map)
    fields = find_key_map(model_name, matched.key_map).fields
    model = model or create_model(model_name, **fields)
    for name, value in fields.items():
        if getattr(model, name) != value:
            raise ZooError(f"keys of {matched.key_map} are for {model_name} with {name}={value}: give such a model")
    return from_matched(model_name, matched, model=model, skip=skip)


def from_matched(
    model_name: str, matched: MatchedKeys, *, model: Network, skip: Part | Iterable[Part] = ()
) -> dict[str, Any]:
    """`from_torch` of a state dict whose keys are recognised."""
    mapping = find_key_map(model_name, matched.key_map)

    def to_ours(array: np.ndarray, path: TreePath) -> np.ndarray:
        if (flattened := _flattened(path, mapping)) and array.size == len(array) * np.prod(flattened):
            return array.reshape(-1, *flattened).transpose(2, 3, 1, 0).reshape(-1, len(array))
        if array.ndim == 3 and is_one_of(module_of(path), mapping.one_dimensional):
            array = array[:, :, None]
        if array.ndim == 4:
            return bgr_to_rgb(array.transpose(2, 3, 1, 0), path, mapping)
        return array.T if array.ndim == 2 else array

    skipped = {torch_key(path, mapping) for path in part_leaves(model, skip)}
    return fill_variables(
        model_name,
        init_shapes(model),
        matched.arrays,
        key_of=lambda path: torch_key(path, mapping),
        to_ours=to_ours,
        skipped=skipped,
        others=matched.others,
    )


def to_torch(model_name: str, variables: Mapping[str, Any], key_map: str = "torchvision") -> dict[str, np.ndarray]:
    """The inverse of `from_torch`: NumPy arrays by torch's keys, without BatchNorm's `num_batches_tracked`.

    Raises ZooError for folded weights where the library's network has batch norms, and for others where it has none.
    """
    mapping = find_key_map(model_name, key_map)
    (check_folded if mapping.fields.get("folded") else refuse_folded)(model_name, variables, key_map)
    return {
        torch_key(path, mapping): _to_torch(bgr_to_rgb(np.asarray(leaf), path, mapping), path, mapping)
        for path, leaf in jax.tree.leaves_with_path(variables)
    }


def _flattened(path: TreePath, key_map: KeyMap) -> tuple[int, int, int] | None:
    return key_map.flattened.get(module_of(path)) if leaf_of(path) == "kernel" else None


def _to_torch(array: np.ndarray, path: TreePath, key_map: KeyMap) -> np.ndarray:
    if flattened := _flattened(path, key_map):
        channels, height, width = flattened
        convolution = array.reshape(height, width, channels, -1).transpose(3, 2, 0, 1)
        return convolution if is_one_of(module_of(path), key_map.convolved) else convolution.reshape(array.shape[1], -1)
    if leaf_of(path) in key_map.maps:
        return array[:, None, None]
    if is_one_of(module_of(path), key_map.rows):
        return array[None, None, None]
    if leaf_of(path) in key_map.kernels:
        return array[:, None, None, None]
    if array.ndim == 4:
        kernel = array.transpose(3, 2, 0, 1)
        return kernel[:, :, 0] if is_one_of(module_of(path), key_map.one_dimensional) else kernel
    if array.ndim == 2 and is_one_of(module_of(path), key_map.convolved):
        return array.T[:, :, None, None]
    return array.T if array.ndim == 2 else array
