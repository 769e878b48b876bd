"""Weights from and to Keras Applications' networks, by the paths of their variables. Keras itself reads its files."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any

import jax
import numpy as np

from zoo.errors import ZooError
from zoo.models.network import Network
from zoo.models.variables import init_shapes
from zoo.registry import create_model
from zoo.weights.head_and_aux import Part, part_leaves
from zoo.weights.key_map import Names, translate
from zoo.weights.key_maps import names_of
from zoo.weights.tree import Path, as_numpy, filled_tree, leaf_of, module_of, red_first

# Leaves of the norms, as Keras calls them; those of Conv and Dense have our names.
NORM_LEAVES = {"scale": "gamma", "bias": "beta", "mean": "moving_mean", "var": "moving_variance"}

# The function of keras.applications that makes each of our networks.
APPLICATIONS = {
    **{f"resnet{depth}_keras": f"ResNet{depth}" for depth in (50, 101, 152)},
    "inception_v3_keras": "InceptionV3",
    "inception_resnet_v2_keras": "InceptionResNetV2",
}

# Layers without a name of their own, which Keras numbers through the session.
NUMBERED = re.compile(r"(conv2d|batch_normalization)(?:_(\d+))?/(.+)")


def from_keras(
    model_name: str, weights: Any, *, model: Network | None = None, skip: Part | Iterable[Part] = ()
) -> dict[str, Any]:
    """{"params": ..., "batch_stats": ...} from a Keras model, its {path: array}, or a weights file of it.

    A file (.weights.h5, .h5 or .keras) needs Keras, which is asked for its arrays alone. `model` is the network to fill
    where it is not the registry's default (other classes); `skip="head"` leaves out the classifier. Raises ZooError
    that lists the paths left over and missing, or a shape that does not fit.
    """
    names = names_of(model_name, "keras")
    model = model or create_model(model_name)
    if isinstance(weights, str | FilePath):
        weights = read_keras(model_name, FilePath(weights), model.num_classes)
    shapes = init_shapes(model)
    paths = _keras_paths(shapes, names)
    return filled_tree(
        model_name,
        shapes,
        _renumbered(weights if isinstance(weights, Mapping) else {weight.path: weight for weight in weights.weights}),
        paths.__getitem__,
        lambda array, path: red_first(array, path, names),
        {paths[path] for path in part_leaves(model, skip) if path in paths},
    )


def to_keras(model_name: str, variables: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The inverse of `from_keras`: NumPy arrays by the paths of Keras's variables."""
    names = names_of(model_name, "keras")
    paths = _keras_paths(variables, names)
    leaves = jax.tree.leaves_with_path(variables)
    return {paths[path]: red_first(np.asarray(leaf), path, names) for path, leaf in leaves}


def read_keras(model_name: str, path: FilePath, num_classes: int) -> dict[str, np.ndarray]:
    """{path: array} of a weights file. Raises ZooError where Keras is missing or cannot read it."""
    if model_name not in APPLICATIONS:
        raise ZooError(f"Keras has no {model_name}; it has {', '.join(APPLICATIONS)}")
    if not path.is_file():
        raise ZooError(f"there is no file {path}")
    os.environ.setdefault("KERAS_BACKEND", "jax")
    try:
        import keras
    except ImportError:
        raise ZooError(f"{path.name} needs Keras to be read: pip install keras h5py") from None
    original = getattr(keras.applications, APPLICATIONS[model_name])(weights=None, classes=num_classes)
    try:
        original.load_weights(path)
    except Exception as error:
        # Keras and HDF5 have many kinds of errors for a file that is not theirs.
        reason = " ".join(str(error).split())[:200]
        raise ZooError(f"{path} is not a weights file of Keras's {APPLICATIONS[model_name]}: {reason}") from None
    return {weight.path: as_numpy(weight) for weight in original.weights}


def _renumbered(weights: Mapping[str, Any]) -> dict[str, Any]:
    """The paths with numbered layers counted from the first of this network, not of the session."""
    numbers: dict[str, set[int]] = {}
    matches = {path: NUMBERED.fullmatch(path) for path in weights}
    for match in filter(None, matches.values()):
        numbers.setdefault(match[1], set()).add(int(match[2] or 0))
    ranks = {kind: {number: rank for rank, number in enumerate(sorted(found))} for kind, found in numbers.items()}

    def renumbered(path: str) -> str:
        if not (match := matches[path]):
            return path
        rank = ranks[match[1]][int(match[2] or 0)]
        return f"{match[1]}_{rank}/{match[3]}" if rank else f"{match[1]}/{match[3]}"

    return {renumbered(path): weight for path, weight in weights.items()}


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
