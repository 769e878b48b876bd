"""One mesh axis, `data`, over all devices of all processes: batches are split over it, and by flag the state too."""

from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from zoo.errors import ZooError
from zoo.layers import DATA_AXIS

# A smaller array costs more to gather than to keep.
SHARDED_ELEMENTS = 1024


def data_mesh(batch_size: int) -> Mesh:
    """A mesh over all devices. Raises ZooError where they cannot split a batch evenly."""
    count = jax.device_count()
    if batch_size % count:
        raise ZooError(f"a batch of {batch_size} cannot be split over {count} devices: take a multiple of {count}")
    return jax.make_mesh((count,), (DATA_AXIS,), axis_types=(AxisType.Auto,))


def replicated(mesh: Mesh) -> NamedSharding:
    """The whole array on every device."""
    return NamedSharding(mesh, PartitionSpec())


def batch_sharding(mesh: Mesh) -> NamedSharding:
    """An array split along its first axis, a part a device."""
    return NamedSharding(mesh, PartitionSpec(DATA_AXIS))


def state_sharding(state: Any, mesh: Mesh, *, fsdp: bool) -> Any:
    """A tree like the state (or its shapes) with the sharding of each leaf.

    With `fsdp` (Zhao et al. 2023) each large array is split over the devices along its longest axis that they divide;
    else all are whole on every device.
    """

    def of(leaf: Any) -> NamedSharding:
        axis = _longest_axis(leaf.shape, mesh.size) if fsdp else None
        return NamedSharding(mesh, PartitionSpec(*[None] * axis, DATA_AXIS)) if axis is not None else replicated(mesh)

    return jax.tree.map(of, state)


def _longest_axis(shape: tuple[int, ...], parts: int) -> int | None:
    fitting = [axis for axis, size in enumerate(shape) if size % parts == 0]
    if not fitting or np.prod(shape) < SHARDED_ELEMENTS:
        return None
    return max(fitting, key=lambda axis: shape[axis])


def shard_batch(batch: dict[str, np.ndarray], mesh: Mesh) -> dict[str, jax.Array]:
    """The batch on the devices, split along its first axis; each process gives the rows of its own devices."""
    return jax.tree.map(lambda rows: jax.make_array_from_process_local_data(batch_sharding(mesh), rows), batch)


def on_all_devices(arrays: Any, mesh: Mesh) -> Any:
    """Arrays that every process has whole, on every device."""
    return jax.tree.map(lambda array: jax.make_array_from_process_local_data(replicated(mesh), array), arrays)
