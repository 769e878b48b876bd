"""One mesh axis, `data`, over all devices of all processes: batches are split over it, with --fsdp the state too."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.experimental import mesh_utils
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from zoo.errors import ZooError

# Also the name of the axis under pmap.
DATA_AXIS = "data"


def data_mesh(batch_size: int) -> Mesh:
    """A mesh over all devices. Raises ZooError if they cannot split a batch evenly."""
    devices = jax.devices()
    count = len(devices)
    if batch_size % count:
        raise ZooError(f"a batch of {batch_size} cannot be split over {count} devices: use a multiple of {count}")
    slices = len({getattr(device, "slice_index", 0) for device in devices})
    if slices > 1:
        return Mesh(slice_by_slice(devices, slices), (DATA_AXIS,), axis_types=(AxisType.Auto,))
    return jax.make_mesh((count,), (DATA_AXIS,), axis_types=(AxisType.Auto,))


def slice_by_slice(devices: Sequence[Any], slices: int) -> np.ndarray:
    """The devices of several slices in an order that suits their network. `jax.make_mesh` refuses several.

    A slice is what a fast network connects: a slice of a TPU pod, or the GPUs of a host.
    """
    return mesh_utils.create_hybrid_device_mesh((len(devices) // slices,), (slices,), devices)


def replicated(mesh: Mesh) -> NamedSharding:
    """The sharding of an array that every device has whole."""
    return NamedSharding(mesh, PartitionSpec())


def batch_sharding(mesh: Mesh) -> NamedSharding:
    """The sharding of an array that is split along its first axis, one part per device."""
    return NamedSharding(mesh, PartitionSpec(DATA_AXIS))


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
