"""The tree of our variables: its paths, and filling it from a flat dictionary of another library's arrays."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import jax
import numpy as np

from zoo.errors import ZooError
from zoo.weights.key_map import KeyMap
from zoo.weights.stored_array import StoredArray

TreePath = tuple[Any, ...]
FLOATS = "fV"  # NumPy's kinds; that of bfloat16 and the other short formats of ml_dtypes is V


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
    others: Collection[str] = (),
) -> dict[str, Any]:
    """The tree of `shapes` with the arrays, found by `key_of` and brought to our axis order by `to_ours`, as float32.

    Leaves whose key is in `skipped` are left out. Raises ZooError with the keys that are missing and left over, with a
    shape that does not fit, or for arrays that are no floats, before any `StoredArray` is read. `others` are keys of
    the file that are none of the network's: they are named where keys are missing.
    """
    unused = {key: value for key, value in arrays.items() if key not in skipped}
    missing, misfits = [], []
    found: list[tuple[TreePath, tuple[int, ...], StoredArray | np.ndarray]] = []
    for path, shape in jax.tree.leaves_with_path(shapes):
        key = key_of(path)
        if key in skipped:
            continue
        if key not in unused:
            missing.append(key)
            continue
        given = unused.pop(key)
        array = given if isinstance(given, StoredArray) else as_numpy(given)
        if array.dtype.kind not in FLOATS:
            raise ZooError(f"{key} is {array.dtype}, not floating-point numbers: save the weights as float32")
        ours = to_ours(array.placeholder() if isinstance(array, StoredArray) else array, path)
        if not _is_same_shape(ours.shape, shape.shape):
            misfits.append(f"{key} has the shape {array.shape}, which does not fit {model_name}'s {shape.shape}")
            continue
        found.append((path, shape.shape, array))
    if missing or unused:
        left_over = _listed([*unused, *others])
        raise ZooError(f"not the weights of {model_name}: missing {_listed(missing)}; left over {left_over}")
    if misfits:
        more = f" (and {len(misfits) - 1} more)" if len(misfits) > 1 else ""
        # A classifier has no batch norm.
        is_width = any(misfit.startswith("batch_stats/") for misfit in misfits)
        for_classes = '; for another number of classes, pass model= with that number, or skip="head"'
        raise ZooError(f"{misfits[0]}{more}{': the layers have other widths' if is_width else for_classes}")
    tree: dict[str, Any] = {}
    for path, shape, array in found:
        ours = to_ours(array.read() if isinstance(array, StoredArray) else array.copy(), path)
        _put(tree, path, ours.astype(np.float32, copy=False).reshape(shape))
    return tree


def _is_same_shape(theirs: tuple[int, ...], ours: tuple[int, ...]) -> bool:
    """Whether both are equal apart from axes of size 1, as those of a dense layer and of a 1x1 convolution.

    Height and width of a kernel are equal with them: 1x7 is not 7x1.
    """
    if len(theirs) == len(ours) == 4 and theirs[:2] != ours[:2]:
        return False
    return [size for size in theirs if size != 1] == [size for size in ours if size != 1]


def as_numpy(array: Any) -> np.ndarray:
    """A NumPy array of an array or a torch tensor, which may be on an accelerator, have a gradient, or be bfloat16."""
    if not hasattr(array, "detach"):
        return np.asarray(array)
    tensor = array.detach().cpu()
    return (tensor.float() if tensor.is_floating_point() else tensor).numpy()


def _put(tree: dict[str, Any], path: TreePath, leaf: np.ndarray) -> None:
    *modules, last = path
    for module in modules:
        tree = tree.setdefault(module.key, {})
    tree[last.key] = leaf


def _listed(keys: Iterable[str], limit: int = 5) -> str:
    keys = sorted(keys)
    more = f" and {len(keys) - limit} more" if len(keys) > limit else ""
    return ", ".join(keys[:limit]) + more if keys else "none"
