"""Several processes that train one network together: joining them, and what they decide in common."""

import re
import signal
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from zoo.errors import ZooError
from zoo.runtime.mesh import DATA_AXIS, batch_sharding, replicated

# A smaller array costs more to gather than to keep.
SHARDED_ELEMENTS = 1024

# Answers are read so many steps after they were asked for, when they are there without waiting.
LAG = 2


@dataclass(frozen=True)
class Cluster:
    """Where the processes meet, how many they are and which this one is; None: as JAX detects it.

    JAX knows SLURM, Open MPI, Kubernetes and TPU pods.
    """

    coordinator: str | None = None
    processes: int | None = None
    process: int | None = None


def join(cluster: Cluster) -> None:
    """Meet the other processes; before anything else is asked of JAX. Raises ZooError where that fails."""
    if cluster.coordinator and None in (cluster.processes, cluster.process):
        raise ZooError("--coordinator wants --processes and --process too")
    if cluster.coordinator and not re.fullmatch(r".+:\d+", cluster.coordinator):
        raise ZooError(f"--coordinator is {cluster.coordinator!r}: HOST:PORT is needed, as 10.0.0.1:1234")
    try:
        jax.distributed.initialize(cluster.coordinator, cluster.processes, cluster.process)
        # JAX takes SIGTERM for itself, and would do nothing with it.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    except (ValueError, RuntimeError) as error:
        raise ZooError(
            f"cannot join the other processes: {' '.join(str(error).split())[:300]}; outside of SLURM, Open MPI, "
            "Kubernetes and TPU pods give --coordinator HOST:PORT, --processes N and --process I"
        ) from None


def is_first() -> bool:
    """Whether this is the process that writes and prints."""
    return jax.process_index() == 0


def all_reach(place: str) -> None:
    """Wait for the other processes."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices(place)


def all_agree(yes: bool) -> bool:
    """Whether all processes say yes; they wait for one another."""
    return bool(largest(not yes) == 0)


def largest(wish: int) -> int:
    """The largest of all processes' wishes; they wait for one another."""
    return int(wish) if jax.process_count() == 1 else int(multihost_utils.process_allgather(np.array(int(wish))).max())


@contextmanager
def together() -> Iterator[None]:
    """Around what may fail in one process and not in another: then all raise, and none waits for what does not come.

    All processes must come to it, and are there when it ends. Raises ZooError where it failed elsewhere.
    """
    try:
        yield
    except Exception:
        all_agree(False)
        raise
    if not all_agree(True):
        raise ZooError("another of the processes cannot begin, and says why")


class Agreement:
    """What one process wishes, all do at the same step; a process by itself does it at once.

    Each step the wishes' largest values are computed on the devices, and read LAG steps later: nothing waits for them.
    """

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        self._asked: deque[jax.Array] = deque()
        self._largest = jax.jit(lambda wishes: jnp.max(wishes, axis=0), out_shardings=replicated(mesh))

    def of(self, *wishes: int) -> tuple[int, ...]:
        """The largest of all processes' wishes, those of LAG steps ago; zeros before."""
        if jax.process_count() == 1:
            return wishes
        own = np.tile(np.array([wishes], np.int32), (jax.local_device_count(), 1))
        self._asked.append(self._largest(jax.make_array_from_process_local_data(batch_sharding(self._mesh), own)))
        if len(self._asked) <= LAG:
            return (0,) * len(wishes)
        return tuple(int(value) for value in jax.device_get(self._asked.popleft()))


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
