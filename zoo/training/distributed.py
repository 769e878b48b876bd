"""Several processes that train one network: how they connect, agree and share arrays."""

import hashlib
import re
import signal
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh

from zoo.errors import ZooError
from zoo.printable import one_line, quoted
from zoo.runtime.limits import PORT
from zoo.runtime.mesh import batch_sharding, replicated
from zoo.training.meeting import meet
from zoo.training.process_watch import ProcessWatch, open_relay

# A result is read this many steps after it was requested, when the devices have finished it.
LAG = 2


@dataclass(frozen=True)
class Cluster:
    """The address of the first process, the number of processes and the index of this one.

    None lets JAX detect them, which works in SLURM, Open MPI, Kubernetes and TPU pods.
    """

    coordinator: str | None = None
    processes: int | None = None
    process: int | None = None


def join_cluster(cluster: Cluster, clean_up: Callable[[], None] = lambda: None) -> ProcessWatch:
    """Connect to the other processes, before any other use of JAX. Raises ZooError if that fails, or `meet` does.

    Enter the context that is returned: in it the loss of one process ends all, after `clean_up`. Where JAX detects the
    coordinator there is no relay to it: if the first process is lost, JAX may abort the others before the context ends.
    """
    check_cluster(cluster)
    watch, coordinator, host, detection = ProcessWatch(clean_up), cluster.coordinator, "", None
    if coordinator and cluster.processes and cluster.process is not None:
        host, port = host_and_port(coordinator)
        meet(host, port, cluster.processes, cluster.process)
        # Under SLURM JAX would give this process one device only.
        detection = "deactivate"
        if cluster.process:
            coordinator = open_relay(coordinator, lambda: watch.connected)
    try:
        jax.distributed.initialize(coordinator, cluster.processes, cluster.process, cluster_detection_method=detection)
        # JAX installs its own handler for SIGTERM, after which the signal would do nothing.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    except (ValueError, RuntimeError) as error:
        raise ZooError(
            f"cannot connect to the other processes: {one_line(error, 300)}; outside of SLURM, Open MPI, "
            "Kubernetes and TPU pods give --coordinator HOST:PORT, --processes N and --process I"
        ) from None
    watch.connect(jax.process_index(), host, broadcast)
    return watch


def host_and_port(address: str) -> tuple[str, int]:
    """The parts of HOST:PORT; an address of IPv6 is in brackets there."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def check_cluster(cluster: Cluster) -> None:
    """Raises ZooError for what is no address, or no index of a process."""
    if cluster.coordinator is None:
        return
    if cluster.processes is None or cluster.process is None:
        raise ZooError("--coordinator needs --processes and --process too")
    host, _, port = cluster.coordinator.rpartition(":")
    # Of IPv6 addresses too, in brackets.
    if not re.fullmatch(r"[\w.:%\[\]-]+", host, re.ASCII) or not re.fullmatch(r"[0-9]{1,5}", port):
        raise ZooError(f"--coordinator is {quoted(cluster.coordinator)}: it must be HOST:PORT, such as 10.0.0.1:1234")
    PORT.check(int(port), "the port of --coordinator")
    if cluster.process >= cluster.processes:
        raise ZooError(
            f"--process is {cluster.process}: with --processes {cluster.processes} it must be less than that"
        )


def broadcast(content: bytes) -> bytes:
    """The bytes of the first process, as many as all processes give."""
    return np.asarray(multihost_utils.broadcast_one_to_all(np.frombuffer(content, np.uint8))).tobytes()


def same_everywhere(text: str) -> bool:
    """Whether all processes, which wait for each other, have the same text."""
    own = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return jax.process_count() == 1 or true_everywhere(broadcast(own) == own)


def is_first() -> bool:
    """Whether this is the process that writes and prints."""
    return jax.process_index() == 0


def wait_for_all(name: str) -> None:
    """Wait until all processes call this with the same name."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices(name)


def true_everywhere(value: bool) -> bool:
    """Whether the value is true in all processes, which wait for each other."""
    return global_max(not value) == 0


def global_max(value: int) -> int:
    """The maximum of the value over all processes, which wait for each other."""
    if jax.process_count() == 1:
        return int(value)
    return int(multihost_utils.process_allgather(np.array(int(value))).max())


@contextmanager
def fail_on_all_processes() -> Iterator[None]:
    """Run a block that may fail on some processes only: if it does, all raise, so that none waits for the others.

    All processes must enter it, and they wait for each other at its end. Raises ZooError if another process failed.
    """
    try:
        yield
    except Exception:
        true_everywhere(False)
        raise
    if not true_everywhere(True):
        raise ZooError("another process cannot start: see its message")


class Agreement:
    """Lets all processes act at the same step on what one of them was asked to do; a single process acts at once.

    The devices compute the maximum over the processes at each step. It is read LAG steps later, so that nothing waits.
    """

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        self._pending: deque[jax.Array] = deque()
        self._maximum = jax.jit(lambda values: jnp.max(values, axis=0), out_shardings=replicated(mesh))

    def maximum(self, *values: int) -> tuple[int, ...]:
        """The maximum of each value over all processes as of LAG steps ago, and zeros in the first LAG steps."""
        if jax.process_count() == 1:
            return values
        local = np.tile(np.array([values], np.int32), (jax.local_device_count(), 1))
        self._pending.append(self._maximum(jax.make_array_from_process_local_data(batch_sharding(self._mesh), local)))
        if len(self._pending) <= LAG:
            return (0,) * len(values)
        return tuple(int(value) for value in jax.device_get(self._pending.popleft()))
