"""The parts of a network that weights may come without: the head and the auxiliary heads."""

from collections.abc import Iterable
from typing import Any, Literal, get_args

import jax

from zoo.errors import ZooError
from zoo.models.network import Network
from zoo.models.variables import init_shapes
from zoo.weights.tree import Path

Part = Literal["head", "aux"]


def part_leaves(model: Network, skip: Part | Iterable[Part]) -> frozenset[Path]:
    """The pytree paths of the variables in the named parts, auxiliary heads counted whether `model` has them or not.

    "head" is what depends on the number of classes (in the auxiliary heads too), "aux" all of the auxiliary heads.
    Raises ZooError for another name, or a part that the network cannot have.
    """
    parts, leaves = ((skip,) if isinstance(skip, str) else tuple(skip)), frozenset()
    for part in parts:
        if part not in get_args(Part):
            raise ZooError(f"there is no part {part!r} to skip: it is one of {', '.join(get_args(Part))}")
        found = head_leaves(with_aux(model)) if part == "head" else aux_leaves(model)
        if not found:
            raise ZooError(f"{type(model).__name__} has no {part} to skip")
        leaves |= found
    return leaves


def head_leaves(model: Network) -> frozenset[Path]:
    """The paths of what has another shape with one class more."""
    more = init_shapes(model.clone(num_classes=model.num_classes + 1))
    here, there = _shapes(init_shapes(model)), _shapes(more)
    return frozenset(path for path, shape in here.items() if there.get(path) != shape)


def aux_leaves(model: Network) -> frozenset[Path]:
    """The paths of all that belongs to auxiliary heads."""
    return frozenset(_shapes(init_shapes(with_aux(model))).keys() - _shapes(init_shapes(without_aux(model))).keys())


def with_aux(model: Network) -> Network:
    """The network with its auxiliary heads, where it can have some."""
    return model.clone(aux_heads=True) if hasattr(model, "aux_heads") else model


def without_aux(model: Network) -> Network:
    """The network without auxiliary heads."""
    return model.clone(aux_heads=False) if hasattr(model, "aux_heads") else model


def _shapes(tree: Any) -> dict[Path, tuple[int, ...]]:
    return {path: leaf.shape for path, leaf in jax.tree.leaves_with_path(tree)}
