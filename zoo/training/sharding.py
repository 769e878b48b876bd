"""Data parallelism: one mesh axis, `data`, over all devices; the state on each, the batch split among them."""

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from zoo.errors import ZooError
from zoo.layers import DATA_AXIS


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


def shard_batch(batch: dict[str, np.ndarray], mesh: Mesh) -> dict[str, jax.Array]:
    """The batch on the devices, split along its first axis."""
    return jax.device_put(batch, batch_sharding(mesh))
