"""What a run has: its devices, their memory and peak speed, and the disk of its folder."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import jax

from zoo.runtime.free_memory import device_memory
from zoo.training.logging.device_peaks import peak_teraflops


@dataclass(frozen=True, kw_only=True)
class Machine:
    """`devices` of a kind over `hosts` processes; None for what is not known.

    `memory` is in bytes per device, `peak` the TFLOP/s in bfloat16 of all devices together, `disk` the free bytes where
    the run is saved.
    """

    devices: int
    hosts: int
    kind: str
    memory: int | None = None
    peak: float | None = None
    disk: int | None = None


def this_machine(folder: Path | None) -> Machine:
    """The machine of this process and the others of its run. `folder` is that of the run, which need not exist."""
    return Machine(
        devices=jax.device_count(),
        hosts=jax.process_count(),
        kind=jax.devices()[0].device_kind,
        memory=device_memory(),
        peak=peak_teraflops(),
        disk=None if folder is None else free_space(folder),
    )


def free_space(folder: Path) -> int | None:
    """The free bytes of the disk that a folder is on, or will be; 0 where it cannot be written, None if unknown."""
    path = folder.absolute()
    try:
        existing = next(one for one in (path, *path.parents) if one.exists())
        return shutil.disk_usage(existing).free if os.access(existing, os.W_OK | os.X_OK) else 0
    except OSError:
        return None
