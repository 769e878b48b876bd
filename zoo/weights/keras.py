"""Weights from and to Keras Applications' networks, by the paths of their variables. Keras itself is not needed."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from zoo.inference import init_shapes
from zoo.models.network import Network
from zoo.registry import create_model
from zoo.weights.names import names_of
from zoo.weights.rules import Names, translate
from zoo.weights.tree import Path, filled_tree, leaf_of, module_of

# Leaves of the norms, as Keras calls them; those of Conv and Dense have our names.
NORM_LEAVES = {"scale": "gamma", "bias": "beta", "mean": "moving_mean", "var": "moving_variance"}


def from_keras(model_name: str, weights: Mapping[str, Any], model: Network | None = None) -> dict[str, Any]:
    """{"params": ..., "batch_stats": ...} from `{w.path: w for w in keras_model.weights}`.

    `model` is the network to fill where it is not the registry's default (other classes). Raises ZooError that lists
    the paths left over and missing, or a shape that does not fit.
    """
    names = names_of(model_name, "keras")
    shapes = init_shapes(model or create_model(model_name))
    paths = _keras_paths(shapes, names)
    return filled_tree(
        model_name, shapes, weights, paths.__getitem__, lambda array, path: _red_first(array, path, names)
    )


def to_keras(model_name: str, variables: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The inverse of `from_keras`: NumPy arrays by the paths of Keras's variables."""
    names = names_of(model_name, "keras")
    paths = _keras_paths(variables, names)
    leaves = jax.tree.leaves_with_path(variables)
    return {paths[path]: _red_first(np.asarray(leaf), path, names) for path, leaf in leaves}


def _keras_paths(variables: Any, names: Names) -> dict[Path, str]:
    """The path of Keras's variable for each pytree path of ours. A norm is what has leaves and no kernel."""
    places = [path for path, _ in jax.tree.leaves_with_path(variables)]
    with_kernel = {module_of(path) for path in places if leaf_of(path) == "kernel"}
    keras_paths = {}
    for path in places:
        module, leaf = module_of(path), leaf_of(path)
        leaf = leaf if module in with_kernel else NORM_LEAVES[leaf]
        keras_paths[path] = f"{translate(module, names.rules)}/{leaf}"
    return keras_paths


def _red_first(array: np.ndarray, path: Path, names: Names) -> np.ndarray:
    """The kernel that sees the image, its channels turned round where Keras's are blue first; its own inverse."""
    return array[:, :, ::-1] if leaf_of(path) == "kernel" and module_of(path) == names.bgr else array
