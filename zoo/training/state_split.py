"""With --fsdp the state is split over the devices: Zhao et al. 2023, arXiv:2304.11277.

An array is split along one of its last two axes, which are the features of a layer: over all devices where their number
divides it, else over as many as divide both (a kernel of 64 features over 2 of each 6 devices, each part three times).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
from jax.sharding import NamedSharding, PartitionSpec

from zoo.runtime.mesh import AnyMesh, replicated, splits_state

# Gathering less than this takes the time of a message, whatever is in it (docs/scaling.md).
MIN_SPLIT_BYTES = 2**16


@dataclass(frozen=True, kw_only=True)
class StateSplit:
    """What each device has of a state of so many bytes, its parameters, their averages and optimizer state.

    Of the parameters, `partly` are split over fewer devices than there are, `small` are whole on each because they
    have less than MIN_SPLIT_BYTES, and those with the names of `whole` because the number of devices cannot split them.
    """

    devices: int
    state_bytes: int
    bytes_per_device: int
    partly: int
    small: int
    whole: tuple[str, ...]


def state_sharding(state: Any, mesh: AnyMesh) -> Any:
    """A tree like the state, or its shapes, with the sharding of each leaf.

    Every device has all of it, unless the mesh is one of `data_mesh` with `fsdp`.
    """
    if not splits_state(mesh):
        return jax.tree.map(lambda leaf: replicated(mesh), state)
    return jax.tree.map(lambda leaf: _sharding(leaf, mesh), state)


def split_of_state(params: Any, state: Any, devices: int) -> StateSplit:
    """How a state, or its shapes, is split over so many devices; `params` are its parameters."""
    names, leaves = zip(*_named(params), strict=True)
    parts = [_parts(leaf, devices)[1] for leaf in leaves]
    small = [_bytes(leaf) < MIN_SPLIT_BYTES for leaf in leaves]
    all_leaves = jax.tree.leaves(state)
    return StateSplit(
        devices=devices,
        state_bytes=sum(map(_bytes, all_leaves)),
        bytes_per_device=sum(_bytes(leaf) // _parts(leaf, devices)[1] for leaf in all_leaves),
        partly=sum(1 < number < devices for number in parts),
        small=sum(small),
        whole=tuple(
            name for name, number, is_small in zip(names, parts, small, strict=True) if number == 1 and not is_small
        ),
    )


def _sharding(leaf: Any, mesh: AnyMesh) -> NamedSharding:
    axis, parts = _parts(leaf, mesh.size)
    names = _mesh_axes(mesh, parts)
    return NamedSharding(mesh, PartitionSpec(*[None] * axis, names)) if names else replicated(mesh)


def _parts(leaf: Any, devices: int) -> tuple[int, int]:
    """The axis of an array that can be split into the most parts, the longest of several, and their number or 1."""
    if not leaf.shape or _bytes(leaf) < MIN_SPLIT_BYTES:
        return 0, 1
    axes = range(max(0, len(leaf.shape) - 2), len(leaf.shape))
    parts, _, axis = max((math.gcd(leaf.shape[axis], devices), leaf.shape[axis], axis) for axis in axes)
    return axis, parts


def _mesh_axes(mesh: AnyMesh, parts: int) -> tuple[str, ...]:
    """The axes of a mesh whose sizes multiply to `parts`: neighbours first, which a fast network connects."""
    chosen: list[str] = []
    for name, size in reversed(mesh.shape.items()):
        if size > 1 and parts % size == 0:
            chosen.insert(0, name)
            parts //= size
    return tuple(chosen) if parts == 1 else ()


def _bytes(leaf: Any) -> int:
    return math.prod(leaf.shape) * leaf.dtype.itemsize


def _named(params: Any) -> Iterator[tuple[str, Any]]:
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        yield "/".join(str(getattr(entry, "key", entry)) for entry in path), leaf
