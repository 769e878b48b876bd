"""How much memory the devices have."""

import os
from pathlib import Path

MEMORY_INFO = Path("/proc/meminfo")
CONTROL_GROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def device_memory() -> int | None:
    """The bytes of memory that one device has at most, None where that is not known.

    Devices that are CPUs share what is free on the machine.
    """
    import jax

    device = jax.local_devices()[0]
    if device.platform != "cpu":
        return (device.memory_stats() or {}).get("bytes_limit")
    free = host_memory()
    return None if free is None else free // jax.local_device_count()


def device_memory_used() -> int | None:
    """The most bytes that any device of this process has had in use at a time; None where that is not known: CPUs."""
    import jax

    found = [(device.memory_stats() or {}).get("peak_bytes_in_use") for device in jax.local_devices()]
    known = [size for size in found if size is not None]
    return max(known) if len(known) == len(found) else None


def host_memory() -> int | None:
    """The bytes that are free on this machine, or in the control group of this process; None where it does not say."""
    free = [_free_on_linux(), _control_group_limit()]
    known = [size for size in free if size is not None]
    return min(known) if known else _physical()


def _free_on_linux() -> int | None:
    try:
        lines = MEMORY_INFO.read_text().splitlines()
        kibibytes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
        return 1024 * (kibibytes["MemAvailable"] + kibibytes["SwapFree"])
    except (OSError, KeyError, ValueError, IndexError):
        return None


def _control_group_limit() -> int | None:
    try:
        return int(CONTROL_GROUP_LIMIT.read_text())
    except (OSError, ValueError):  # "max"
        return None


def _physical() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
