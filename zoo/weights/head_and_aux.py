"""The parts of a network that can be left out when weights are loaded: the head and the auxiliary heads."""

from collections.abc import Iterable
from typing import Any, Literal, get_args

import jax

from zoo.errors import ZooError
from zoo.models.network import Network
from zoo.models.variables import init_shapes
from zoo.weights.variable_tree import TreePath

Part = Literal["head", "aux"]


def part_leaves(model: Network, skip: Part | Iterable[Part]) -> frozenset[TreePath]:
    """The pytree paths of the variables in the named parts, also of auxiliary heads that `model` is made without.

    "head" is all that depends on the number of classes (in the auxiliary heads too), "aux" all auxiliary heads. Raises
    ZooError for another name, or a part that the network cannot have.
    """
    parts = (skip,) if isinstance(skip, str) else tuple(skip)
    leaves: frozenset[TreePath] = frozenset()
    for part in parts:
        if part not in get_args(Part):
            raise ZooError(f"unknown part {part!r} in skip: use one of {', '.join(get_args(Part))}")
        found = head_leaves(with_aux(model)) if part == "head" else aux_leaves(model)
        if not found:
            raise ZooError(f"{type(model).__name__} has no {part} to skip")
        leaves |= found
    return leaves


def head_leaves(model: Network) -> frozenset[TreePath]:
    """The paths of the leaves whose shape depends on the number of classes."""
    more = init_shapes(model.clone(num_classes=model.num_classes + 1))
    here, there = _shapes(init_shapes(model)), _shapes(more)
    return frozenset(path for path, shape in here.items() if there.get(path) != shape)


def aux_leaves(model: Network) -> frozenset[TreePath]:
    """The paths of the leaves in auxiliary heads."""
    return frozenset(_shapes(init_shapes(with_aux(model))).keys() - _shapes(init_shapes(without_aux(model))).keys())


def with_aux(model: Network) -> Network:
    """The network with auxiliary heads, where it has such."""
    return model.clone(aux_heads=True) if hasattr(model, "aux_heads") else model


def without_aux(model: Network) -> Network:
    """The network without auxiliary heads."""
    return model.clone(aux_heads=False) if hasattr(model, "aux_heads") else model


def _shapes(tree: Any) -> dict[TreePath, tuple[int, ...]]:
    return {path: leaf.shape for path, leaf in jax.tree.leaves_with_path(tree)}
