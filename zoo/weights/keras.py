"""Weights from and to the networks of Keras Applications, by variable path. Keras itself reads its files."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from zoo.models.network import Network
from zoo.models.variables import init_shapes
from zoo.registry import create_model
from zoo.weights.fold import refuse_folded
from zoo.weights.head_and_aux import Part, part_leaves
from zoo.weights.keras_file import read_keras
from zoo.weights.key_map import KeyMap, is_one_of, numbered, translate
from zoo.weights.key_maps import find_key_map
from zoo.weights.variable_tree import TreePath, bgr_to_rgb, fill_variables, leaf_of, module_of

# Keras's names of the parameters of norms; those of Conv and Dense have our names.
NORM_LEAVES = {"scale": "gamma", "bias": "beta", "mean": "moving_mean", "var": "moving_variance"}

# The two convolutions of a `SeparableConv2D`, whose kernels are in one layer.
SEPARABLE_PARTS = ("/depthwise", "/pointwise")
# The first layer of EfficientNet, which normalises images: here that is preprocessing.
PREPROCESSING = re.compile(r"normalization(_\d+)?/(mean|variance|count)")
# Layers and variables without an explicit name: Keras numbers them from the start of the session.
NUMBERED = re.compile(
    r"(?P<before>(?:.+/)?)(?P<kind>conv2d|batch_normalization|variable)(?:_(?P<n>\d+))?(?P<after>(?:/.+)?)"
)


def from_keras(
    model_name: str, weights: Any, *, model: Network | None = None, skip: Part | Iterable[Part] = ()
) -> dict[str, Any]:
    """{"params": ..., "batch_stats": ...} from a Keras model, its {path: array}, or a weights file of it.

    A file (.weights.h5, .h5 or .keras) needs Keras; only its arrays are read. `model` is the network to fill where it
    is not the registry's default (another number of classes); `skip="head"` leaves out the classifier. Raises ZooError
    with the paths that are missing and left over, or with a shape that does not fit.
    """
    key_map = find_key_map(model_name, "keras")
    model = model or create_model(model_name)
    if isinstance(weights, str | Path):
        weights = read_keras(model_name, Path(weights), model)
    shapes = init_shapes(model)
    paths = _keras_paths(shapes, key_map)
    return fill_variables(
        model_name,
        shapes,
        _network_weights(weights if isinstance(weights, Mapping) else {one.path: one for one in weights.weights}),
        key_of=paths.__getitem__,
        to_ours=lambda array, path: bgr_to_rgb(array, path, key_map),
        skipped={paths[path] for path in part_leaves(model, skip) if path in paths},
    )


def to_keras(model_name: str, variables: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The inverse of `from_keras`: arrays by the paths of Keras's variables. Raises ZooError for folded weights."""
    refuse_folded(model_name, variables, "Keras")
    key_map = find_key_map(model_name, "keras")
    paths = _keras_paths(variables, key_map)
    leaves = jax.tree.leaves_with_path(variables)
    return {paths[path]: _to_keras(bgr_to_rgb(np.asarray(leaf), path, key_map), path, key_map) for path, leaf in leaves}


def _to_keras(array: np.ndarray, path: TreePath, key_map: KeyMap) -> np.ndarray:
    if array.ndim == 4 and is_one_of(module_of(path), key_map.depthwise):
        return array.swapaxes(2, 3)
    if array.ndim == 2 and is_one_of(module_of(path), key_map.convolved):
        return array[None, None]
    return array


def _network_weights(weights: Mapping[str, Any]) -> dict[str, Any]:
    """The weights without those of preprocessing, renumbered."""
    return _renumber({path: weight for path, weight in weights.items() if not PREPROCESSING.fullmatch(path)})


def _renumber(weights: Mapping[str, Any]) -> dict[str, Any]:
    """The weights with what is numbered counted from the first of this network instead of the session."""
    numbers: dict[str, set[int]] = {}
    matches = {path: NUMBERED.fullmatch(path) for path in weights}
    for match in filter(None, matches.values()):
        numbers.setdefault(match["kind"], set()).add(int(match["n"] or 0))
    ranks = {kind: {number: rank for rank, number in enumerate(sorted(found))} for kind, found in numbers.items()}

    def renumbered(path: str) -> str:
        if not (match := matches[path]):
            return path
        rank = ranks[match["kind"]][int(match["n"] or 0)]
        return match["before"] + numbered(match["kind"], rank) + match["after"]

    return {renumbered(path): weight for path, weight in weights.items()}


def _keras_paths(variables: Any, key_map: KeyMap) -> dict[TreePath, str]:
    """The path of Keras's variable for each pytree path of ours.

    A module without a kernel is a norm, unless a rule matches the full path of its parameter.
    """
    paths = [path for path, _ in jax.tree.leaves_with_path(variables)]
    with_kernel = {module_of(path) for path in paths if leaf_of(path) == "kernel"}
    keras_paths = {}
    for path in paths:
        module, leaf = module_of(path), leaf_of(path)
        if module not in with_kernel and leaf not in NORM_LEAVES:
            keras_paths[path] = translate(f"{module}/{leaf}", key_map.rules)
            continue
        layer = translate(module, key_map.rules)
        separator = "_" if layer.endswith(SEPARABLE_PARTS) else "/"
        keras_paths[path] = f"{layer}{separator}{leaf if module in with_kernel else NORM_LEAVES[leaf]}"
    return keras_paths
