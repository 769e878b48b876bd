"""Our tree of variables, filled from another library's flat dictionary of arrays."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import numpy as np

from zoo.errors import ZooError

Path = tuple[Any, ...]


def module_of(path: Path) -> str:
    """ "conv1/bn" for the pytree path of one of its leaves, whose first part is the collection."""
    return "/".join(part.key for part in path[1:-1])


def leaf_of(path: Path) -> str:
    """ "kernel", "bias", "scale", "mean", "var", or the name of a parameter that no layer has."""
    return path[-1].key


def filled_tree(
    model_name: str,
    shapes: Any,
    arrays: Mapping[str, Any],
    key_of: Callable[[Path], str],
    to_ours: Callable[[np.ndarray, Path], np.ndarray],
) -> Any:
    """The tree of `shapes` with the arrays, by their key in the other library and in our axis order, as float32.

    Raises ZooError that lists the keys left over and missing, or a shape that does not fit.
    """
    left, missing, leaves = dict(arrays), [], []
    places, tree = jax.tree.flatten_with_path(shapes)
    for path, shape in places:
        key = key_of(path)
        if key not in left:
            missing.append(key)
            continue
        array = np.asarray(left.pop(key))
        if array.size != np.prod(shape.shape):
            raise ZooError(f"{key} has the shape {array.shape}, which does not fit {shape.shape}")
        leaves.append(to_ours(array, path).astype(np.float32).reshape(shape.shape))
    if missing or left:
        raise ZooError(f"not the weights of {model_name}: missing {_brief(missing)}; left over {_brief(left)}")
    return jax.tree.unflatten(tree, leaves)


def _brief(keys: Iterable[str], limit: int = 5) -> str:
    keys = sorted(keys)
    more = f" and {len(keys) - limit} more" if len(keys) > limit else ""
    return ", ".join(keys[:limit]) + more if keys else "none"
