"""Whether the system lets a process start the threads of its libraries."""

import os
import resource
import threading
from contextlib import suppress
from pathlib import Path

from zoo.errors import ZooError

# A training has up to 101 on two cores. Where one cannot be started, XLA aborts or crashes.
THREADS, THREADS_PER_CORE = 110, 8
# A limit of so many times what is needed is taken for none: the user's other processes do not have all of it.
FAR = 16
CONTROL_GROUP_LIMIT = Path("/sys/fs/cgroup/pids.max")


def check_threads() -> None:
    """Raises ZooError where this process cannot start as many threads as its libraries do.

    Where a limit is near, they are started: the system does not say how many the user's other processes have. That
    takes 20 ms.
    """
    needed = THREADS + THREADS_PER_CORE * (os.cpu_count() or 1)
    limits = [resource.getrlimit(resource.RLIMIT_NPROC)[0], _control_group_limit()]
    if all(limit < 0 or limit >= FAR * needed for limit in limits):
        return
    started: list[threading.Thread] = []
    end = threading.Event()
    try:
        for _ in range(needed):
            thread = threading.Thread(target=end.wait)
            thread.start()
            started.append(thread)
    except RuntimeError:
        raise ZooError(
            f"the system starts no more than {len(started)} threads, and JAX needs about {needed}: raise the limit "
            "(ulimit -u, or the container's), or end other programs"
        ) from None
    finally:
        end.set()
        for thread in started:
            thread.join()


def _control_group_limit() -> int:
    """The limit of a container; -1 where there is none."""
    with suppress(OSError, ValueError):  # "max"
        return int(CONTROL_GROUP_LIMIT.read_text())
    return -1
