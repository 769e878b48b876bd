"""Muon for convolutional networks (Jordan et al. 2024): kernels move along orthogonal matrices, all else as by Adam."""

import math
from collections.abc import Mapping
from typing import Any

import jax
import optax
from flax import linen as nn
from optax import contrib

from zoo.layers import Conv
from zoo.models.variables import init_shapes
from zoo.weights.files import key_of

# Updates as large as AdamW's (Liu et al. 2025, arXiv:2502.16982, equation 4): one learning rate serves both.
ROOT_MEAN_SQUARE = 0.2


def scale_by_muon(head: frozenset[str], groups: Mapping[str, int]) -> optax.GradientTransformation:
    """Directions of muon for kernels, and of Adam for the head, biases, norms and depthwise filters.

    A kernel [height, width, channels, features] is the matrix that maps a window to features: all but the last axis
    make its rows. One with `groups`, by its key, is as many matrices.
    """
    orthogonal = optax.chain(
        contrib.scale_by_muon(weight_dimension_numbers=_as_matrices),
        optax.stateless_with_tree_map(lambda update, _: update * ROOT_MEAN_SQUARE * max(_matrix(update)) ** 0.5),
    )

    def labels(params: Any) -> Any:
        def label(place: tuple, leaf: jax.Array) -> str:
            return "muon" if key_of(place) not in head and min(_matrix(leaf)) > 1 else "adam"

        return jax.tree.map_with_path(label, params)

    return _with_groups_apart(optax.partition({"muon": orthogonal, "adam": optax.scale_by_adam()}, labels), groups)


def grouped_kernels(network: nn.Module) -> dict[str, int]:
    """The groups of the convolutions that have more than one, by the keys of their kernels."""
    found: dict[str, int] = {}

    def note(function: Any, args: tuple, kwargs: dict, context: nn.module.InterceptorContext) -> Any:
        if isinstance(context.module, Conv) and context.module.groups > 1:
            found["/".join((*context.module.path, "kernel"))] = context.module.groups
        return function(*args, **kwargs)

    with nn.intercept_methods(note):
        init_shapes(network)
    return found


def _row_axes(leaf: jax.Array) -> tuple[int, ...]:
    # The fourth of five axes counts the groups.
    return (0, 1, 2) if leaf.ndim == 5 else tuple(range(leaf.ndim - 1))


def _matrix(leaf: jax.Array) -> tuple[int, int]:
    """Rows and columns of each matrix that a leaf is."""
    rows = math.prod(leaf.shape[axis] for axis in _row_axes(leaf))
    return rows, leaf.shape[-1] if leaf.ndim else 1


def _as_matrices(updates: Any) -> Any:
    return jax.tree.map(lambda leaf: contrib.MuonDimensionNumbers(_row_axes(leaf), -1), updates)


def _with_groups_apart(inner: optax.GradientTransformation, groups: Mapping[str, int]) -> optax.GradientTransformation:
    """`inner` sees grouped kernels as [height, width, channels / groups, groups, features / groups]."""

    def apart(tree: Any) -> Any:
        def one(place: tuple, leaf: jax.Array) -> jax.Array:
            count = groups.get(key_of(place))
            return leaf.reshape(*leaf.shape[:-1], count, leaf.shape[-1] // count) if count else leaf

        return jax.tree.map_with_path(one, tree)

    def init(params: Any) -> Any:
        return inner.init(apart(params))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        moved, state = inner.update(apart(updates), state, apart(params))
        return jax.tree.map(lambda new, old: new.reshape(old.shape), moved, updates), state

    return optax.GradientTransformation(init, update)
