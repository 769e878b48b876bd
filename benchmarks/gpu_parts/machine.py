"""The machine: its devices and libraries, and the speed of a large matrix product and of a copy on the device.

What a network reaches is a share of the peak that the maker states; the product and the copy are what this device
reaches at most.
"""

import importlib.metadata
import os
import sys
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp

from gpu_parts.rows import emit
from gpu_parts.sizes import is_small
from zoo.training.logging.device_peaks import device_peak

PACKAGES = ("jax", "flax", "torch", "torchvision")


def main() -> int:
    """Emit the rows. Status 3 if there is no accelerator, where one is needed."""
    small, device = is_small(), jax.devices()[0]
    stats = device.memory_stats() or {}
    emit(
        "Machine",
        device=device.device_kind,
        devices=jax.device_count(),
        **{"memory for JAX, GB": stats.get("bytes_limit", 0) / 1e9 or None},
        cores=len(os.sched_getaffinity(0)),
        **{"stated peak, bfloat16 TFLOP/s": device_peak(device)},
        versions=", ".join(f"{name} {version}" for name in PACKAGES if (version := installed(name))),
    )
    if device.platform == "cpu" and not small:
        print("JAX sees no accelerator here: --small tries the parts on a CPU", file=sys.stderr)
        return 3
    side = 256 if small else 8192
    key = jax.random.key(0)
    matrix = jax.random.normal(key, (side, side), jnp.bfloat16)
    seconds = seconds_of(jax.jit(lambda x: x @ x), matrix)
    emit("Ceilings", what=f"bfloat16 product of {side} x {side}", **{"TFLOP/s": 2 * side**3 / seconds / 1e12})
    values = jax.random.normal(key, (2**16 if small else 2**28,), jnp.float32)
    seconds = seconds_of(jax.jit(lambda x: x + 1), values)
    emit("Ceilings", what="reading and writing an array", **{"TB/s": 2 * values.nbytes / seconds / 1e12})
    return 0


def seconds_of(function: Callable[[jax.Array], jax.Array], x: jax.Array, times: int = 20) -> float:
    """Of one of several calls in flight, after three that are not timed."""
    for _ in range(3):
        y = function(x)
    jax.block_until_ready(y)
    start = time.perf_counter()
    for _ in range(times):
        y = function(x)
    jax.block_until_ready(y)
    return (time.perf_counter() - start) / times


def installed(package: str) -> str:
    """The version of a package, "" if it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


if __name__ == "__main__":
    sys.exit(main())
