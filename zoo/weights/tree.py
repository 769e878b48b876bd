"""Our tree of variables, filled from another library's flat dictionary of arrays."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import jax
import numpy as np

from zoo.errors import ZooError
from zoo.weights.key_map import Names

Path = tuple[Any, ...]


def module_of(path: Path) -> str:
    """ "conv1/bn" for the pytree path of one of its leaves, whose first part is the collection."""
    return "/".join(part.key for part in path[1:-1])


def leaf_of(path: Path) -> str:
    """ "kernel", "bias", "scale", "mean", "var", or the name of a parameter that no layer has."""
    return path[-1].key


def red_first(array: np.ndarray, path: Path, names: Names) -> np.ndarray:
    """The kernel that sees the image, its channels turned round where theirs are blue first; its own inverse."""
    return array[:, :, ::-1] if leaf_of(path) == "kernel" and module_of(path) == names.bgr else array


def filled_tree(
    model_name: str,
    shapes: Any,
    arrays: Mapping[str, Any],
    key_of: Callable[[Path], str],
    to_ours: Callable[[np.ndarray, Path], np.ndarray],
    skipped: Collection[str] = (),
) -> dict[str, Any]:
    """The tree of `shapes` with the arrays, by their key in the other library and in our axis order, as float32.

    Leaves whose key is in `skipped` are left out. Raises ZooError that lists the keys left over and missing, or a shape
    that does not fit.
    """
    left, missing, misfits, tree = {key: value for key, value in arrays.items() if key not in skipped}, [], [], {}
    for path, shape in jax.tree.leaves_with_path(shapes):
        key = key_of(path)
        if key in skipped:
            continue
        if key not in left:
            missing.append(key)
            continue
        array = as_numpy(left.pop(key))
        ours = to_ours(array, path)
        if np.squeeze(ours).shape != tuple(size for size in shape.shape if size != 1):
            misfits.append(f"{key} has the shape {array.shape}, which does not fit {model_name}'s {shape.shape}")
            continue
        _put(tree, path, ours.astype(np.float32).reshape(shape.shape))
    if missing or left:
        raise ZooError(f"not the weights of {model_name}: missing {_brief(missing)}; left over {_brief(left)}")
    if misfits:
        others = f" (and {len(misfits) - 1} more)" if len(misfits) > 1 else ""
        advice = 'where the number of classes differs, give the network with theirs, or skip="head"'
        raise ZooError(f"{misfits[0]}{others}; {advice}")
    return tree


def as_numpy(array: Any) -> np.ndarray:
    """A NumPy array of what may be a torch tensor: on an accelerator, with a gradient, or of a type NumPy lacks."""
    return array.detach().cpu().float().numpy() if hasattr(array, "detach") else np.asarray(array)


def _put(tree: dict[str, Any], path: Path, leaf: np.ndarray) -> None:
    *modules, last = path
    for module in modules:
        tree = tree.setdefault(module.key, {})
    tree[last.key] = leaf


def _brief(keys: Iterable[str], limit: int = 5) -> str:
    keys = sorted(keys)
    more = f" and {len(keys) - limit} more" if len(keys) > limit else ""
    return ", ".join(keys[:limit]) + more if keys else "none"
