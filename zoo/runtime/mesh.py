"""The devices of all processes as a mesh, over which batches are split, and with --fsdp the state too."""

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from itertools import groupby
from typing import Any

import jax
import numpy as np
from jax.experimental import mesh_utils
from jax.sharding import AbstractMesh, AxisType, Mesh, NamedSharding, PartitionSpec

from zoo.errors import ZooError

# Of a mesh with one axis, and under pmap.
DATA_AXIS = "data"

# An AbstractMesh has the axes of a mesh, and no devices.
AnyMesh = Mesh | AbstractMesh

# Of images [batch, ...] and an array that all devices have whole, to [batch, ...].
ImagesFunction = Callable[[jax.Array, jax.Array], jax.Array]


def data_mesh(batch_size: int, devices: Sequence[Any] | None = None, *, fsdp: bool = False) -> Mesh:
    """A mesh over devices, by default all. Raises ZooError if they cannot split a batch evenly.

    It has one axis, "data"; with `fsdp`, for a state that is split too, an axis for each prime factor of the number of
    devices, so that an array can be split over some of them only: "data0" is the slowest one, and the devices of the
    last one are neighbours.
    """
    devices = jax.devices() if devices is None else devices
    count = len(devices)
    if batch_size % count:
        raise ZooError(f"a batch of {batch_size} cannot be split over {count} devices: use a multiple of {count}")
    factors = mesh_factors(devices) if fsdp else (count,)
    names = tuple(f"{DATA_AXIS}{i}" for i in range(len(factors))) if fsdp else (DATA_AXIS,)
    axis_types = (AxisType.Auto,) * len(factors)
    return Mesh(slice_by_slice(devices).reshape(factors), names, axis_types=axis_types)


def splits_state(mesh: AnyMesh) -> bool:
    """Whether this is a mesh of `data_mesh` with `fsdp`."""
    return f"{DATA_AXIS}0" in mesh.axis_names


def mesh_factors(devices: Sequence[Any]) -> tuple[int, ...]:
    """The prime factors of the number of slices, and then those of the devices of each, the largest ones first."""
    slices = len(set(map(_slice_index, devices)))
    if len(devices) % slices:
        slices = 1
    return (*_prime_factors(slices), *_prime_factors(len(devices) // slices)) or (1,)


def _prime_factors(number: int) -> tuple[int, ...]:
    for divisor in range(2, math.isqrt(number) + 1):
        if number % divisor == 0:
            return (*_prime_factors(number // divisor), divisor)
    return (number,) if number > 1 else ()


def slice_by_slice(devices: Sequence[Any]) -> np.ndarray:
    """The devices in an order that suits their network: those of a slice together, neighbours next to each other.

    A slice is what a fast network connects: a slice of a TPU pod, or the GPUs of a host. `jax.make_mesh` refuses
    several, and `mesh_utils.create_hybrid_device_mesh` slices of different sizes.
    """
    slices = groupby(sorted(devices, key=_slice_index), _slice_index)
    parts = [list(members) for _, members in slices]
    return np.concatenate([mesh_utils.create_device_mesh((len(part),), part) for part in parts])


def _slice_index(device: Any) -> int:
    return getattr(device, "slice_index", 0)


def replicated(mesh: AnyMesh) -> NamedSharding:
    """The sharding of an array that every device has whole."""
    return NamedSharding(mesh, PartitionSpec())


def batch_sharding(mesh: Mesh) -> NamedSharding:
    """The sharding of an array that is split along its first axis, one part per device."""
    return NamedSharding(mesh, PartitionSpec(mesh.axis_names))


def shard_batch(batch: Any, mesh: Mesh) -> Any:
    """The batch on the devices, split along its first axis; each process passes the rows of its own devices."""
    return jax.tree.map(lambda rows: jax.make_array_from_process_local_data(batch_sharding(mesh), rows), batch)


def on_all_devices(arrays: Any, mesh: Mesh) -> Any:
    """Copy arrays, which every process has whole, to every device."""
    return jax.tree.map(lambda array: jax.make_array_from_process_local_data(replicated(mesh), array), arrays)


def data_axis() -> str | None:
    """The name of the data axis inside `pmap` or `shard_map` over it, else None (arrays under jit are global)."""
    try:
        jax.lax.axis_index(DATA_AXIS)
    except NameError:
        return None
    return DATA_AXIS


def batch_parts(images: int) -> int:
    """How many equal parts of so many images are each on one device, where that is known: inside `split_over`.

    1 outside of it, and where the images cannot be so split.
    """
    mesh = jax.sharding.get_abstract_mesh()
    parts = math.prod(mesh.shape[name] for name in _batch_axes())
    # The number of images may be a symbol, outside of meshes.
    return parts if parts > 1 and images % parts == 0 else 1


def of_own_images(function: ImagesFunction, images: int) -> ImagesFunction:
    """The function of so many images and an array, which inside `split_over` each device computes of its own images.

    XLA divides most functions and their gradients by itself: this is for the others.
    """
    if batch_parts(images) == 1:
        return function
    split, whole = PartitionSpec(_batch_axes()), PartitionSpec()
    return jax.shard_map(function, in_specs=(split, whole), out_specs=split, axis_names=set(_batch_axes()))


def split_by_images(arrays: Any) -> Any:
    """The same arrays [batch, ...]; inside `split_over` each device has all numbers of its own images."""

    def split(array: jax.Array) -> jax.Array:
        if batch_parts(array.shape[0]) == 1:
            return array
        return jax.lax.with_sharding_constraint(array, PartitionSpec(_batch_axes()))

    return jax.tree.map(split, arrays)


def _batch_axes() -> tuple[str, ...]:
    """The axes of the mesh of `split_over`, none elsewhere."""
    mesh = jax.sharding.get_abstract_mesh()
    return tuple(name for name in mesh.axis_names if name.startswith(DATA_AXIS)) if mesh.are_all_axes_auto else ()


def split_over(mesh: Mesh | None) -> AbstractContextManager:
    """Within this context of a trace `batch_parts` knows that batches are split over this mesh; None is no mesh."""
    return jax.sharding.use_abstract_mesh(mesh.abstract_mesh if mesh else AbstractMesh((), ()))
