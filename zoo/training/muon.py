"""Muon for convolutional networks (Jordan et al. 2024): orthogonalized updates for kernels, Adam for the rest."""

import math
from collections.abc import Mapping
from typing import Any

import jax
import optax
from flax import linen as nn
from optax import contrib

from zoo.layers import Conv
from zoo.models.variables import trace_init
from zoo.weights.files import key_of

# The root mean square of AdamW's updates (Liu et al. 2025, arXiv:2502.16982, equation 4), so that both use the same
# learning rates.
UPDATE_RMS = 0.2


def scale_by_muon(head: frozenset[str], groups: Mapping[str, int]) -> optax.GradientTransformation:
    """Muon's updates for kernels, and Adam's for the head, biases, norms and depthwise filters.

    A kernel [height, width, channels, features] is a matrix from windows to features: its rows are all axes but the
    last. A kernel whose key is in `groups` is one matrix per group.
    """
    orthogonal = optax.chain(
        contrib.scale_by_muon(weight_dimension_numbers=_as_matrices),
        optax.stateless_with_tree_map(lambda update, _: update * UPDATE_RMS * max(_matrix(update)) ** 0.5),
    )

    def labels(params: Any) -> Any:
        def label(path: tuple, leaf: jax.Array) -> str:
            return "muon" if key_of(path) not in head and min(_matrix(leaf)) > 1 else "adam"

        return jax.tree.map_with_path(label, params)

    return _split_groups(optax.partition({"muon": orthogonal, "adam": optax.scale_by_adam()}, labels), groups)


def grouped_kernels(network: nn.Module) -> dict[str, int]:
    """{key of the kernel: groups} of the convolutions with more than one group."""
    found: dict[str, int] = {}

    def record_groups(function: Any, args: tuple, kwargs: dict, context: nn.module.InterceptorContext) -> Any:
        if isinstance(context.module, Conv) and context.module.groups > 1:
            found["/".join((*context.module.path, "kernel"))] = context.module.groups
        return function(*args, **kwargs)

    with nn.intercept_methods(record_groups):
        trace_init(network)
    return found


def _row_axes(leaf: jax.Array) -> tuple[int, ...]:
    # Of five axes the fourth is that of the groups.
    return (0, 1, 2) if leaf.ndim == 5 else tuple(range(leaf.ndim - 1))


def _matrix(leaf: jax.Array) -> tuple[int, int]:
    """Rows and columns of a leaf's matrix, or of each of its matrices."""
    rows = math.prod(leaf.shape[axis] for axis in _row_axes(leaf))
    return rows, leaf.shape[-1] if leaf.ndim else 1


def _as_matrices(updates: Any) -> Any:
    return jax.tree.map(lambda leaf: contrib.MuonDimensionNumbers(_row_axes(leaf), -1), updates)


def _split_groups(inner: optax.GradientTransformation, groups: Mapping[str, int]) -> optax.GradientTransformation:
    """`inner` on grouped kernels of shape [height, width, channels / groups, groups, features / groups]."""

    def split(tree: Any) -> Any:
        def split_leaf(path: tuple, leaf: jax.Array) -> jax.Array:
            count = groups.get(key_of(path))
            return leaf.reshape(*leaf.shape[:-1], count, leaf.shape[-1] // count) if count else leaf

        return jax.tree.map_with_path(split_leaf, tree)

    def init(params: Any) -> Any:
        return inner.init(split(params))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        new_updates, state = inner.update(split(updates), state, split(params))
        return jax.tree.map(lambda new, old: new.reshape(old.shape), new_updates, updates), state

    return optax.GradientTransformation(init, update)
