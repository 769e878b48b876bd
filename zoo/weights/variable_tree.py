"""The tree of our variables: its paths, and filling it from a flat dictionary of another library's arrays."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import jax
import numpy as np

from zoo.errors import ZooError
from zoo.weights.key_map import KeyMap

TreePath = tuple[Any, ...]


def module_of(path: TreePath) -> str:
    """ "conv1/bn" for the pytree path of one of its leaves, whose first part is the collection."""
    return "/".join(part.key for part in path[1:-1])


def leaf_of(path: TreePath) -> str:
    """ "kernel", "bias", "scale", "mean", "var", or the name of a parameter that belongs to no layer."""
    return path[-1].key


def bgr_to_rgb(array: np.ndarray, path: TreePath, key_map: KeyMap) -> np.ndarray:
    """The first convolution's kernel with its input channels reversed where theirs are blue-green-red; other leaves
    unchanged. It is its own inverse.
    """
    return array[:, :, ::-1] if leaf_of(path) == "kernel" and module_of(path) == key_map.bgr else array


def fill_variables(
    model_name: str,
    shapes: Any,
    arrays: Mapping[str, Any],
    key_of: Callable[[TreePath], str],
    to_ours: Callable[[np.ndarray, TreePath], np.ndarray],
    skipped: Collection[str] = (),
) -> dict[str, Any]:
    """The tree of `shapes` with the arrays, found by `key_of` and brought to our axis order by `to_ours`, as float32.

    Leaves whose key is in `skipped` are left out. Raises ZooError with the keys that are missing and left over, or with
    a shape that does not fit.
    """
    unused = {key: value for key, value in arrays.items() if key not in skipped}
    missing, misfits = [], []
    tree: dict[str, Any] = {}
    for path, shape in jax.tree.leaves_with_path(shapes):
        key = key_of(path)
        if key in skipped:
            continue
        if key not in unused:
            missing.append(key)
            continue
        array = as_numpy(unused.pop(key))
        ours = to_ours(array, path)
        if np.squeeze(ours).shape != tuple(size for size in shape.shape if size != 1):
            misfits.append(f"{key} has the shape {array.shape}, which does not fit {model_name}'s {shape.shape}")
            continue
        _put(tree, path, ours.astype(np.float32).reshape(shape.shape))
    if missing or unused:
        raise ZooError(f"not the weights of {model_name}: missing {_listed(missing)}; left over {_listed(unused)}")
    if misfits:
        others = f" (and {len(misfits) - 1} more)" if len(misfits) > 1 else ""
        advice = 'for another number of classes, pass model= with that number, or skip="head"'
        raise ZooError(f"{misfits[0]}{others}; {advice}")
    return tree


def as_numpy(array: Any) -> np.ndarray:
    """A NumPy array of an array or a torch tensor, which may be on an accelerator, have a gradient, or be bfloat16."""
    return array.detach().cpu().float().numpy() if hasattr(array, "detach") else np.asarray(array)


def _put(tree: dict[str, Any], path: TreePath, leaf: np.ndarray) -> None:
    *modules, last = path
    for module in modules:
        tree = tree.setdefault(module.key, {})
    tree[last.key] = leaf


def _listed(keys: Iterable[str], limit: int = 5) -> str:
    keys = sorted(keys)
    more = f" and {len(keys) - limit} more" if len(keys) > limit else ""
    return ", ".join(keys[:limit]) + more if keys else "none"
