"""The devices that JAX computes on, and those that it might."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from zoo.doctor.findings import Finding, Section
from zoo.doctor.probe import DEVICES
from zoo.doctor.probing import Probed
from zoo.printable import shown_bytes

# Files that the drivers of accelerators make, the platform of JAX that uses them, and what installs that.
DRIVERS = {
    Path("/dev/nvidia0"): ("gpu", "an NVIDIA GPU", 'pip install -U "jax[cuda13]"'),
    Path("/dev/kfd"): ("gpu", "an AMD GPU", 'pip install -U "jax[rocm]"'),
    Path("/dev/accel0"): ("tpu", "a TPU", 'pip install -U "jax[tpu]"'),
}


def devices(probed: Probed, platforms: str) -> Section:
    """What JAX computes on. `platforms` is the variable JAX_PLATFORMS, which leaves out others."""
    if error := probed.errors.get(DEVICES):
        remedy = "check the driver, and that no other process uses the device; JAX_PLATFORMS=cpu computes without it"
        return Section("devices", (Finding("JAX", "cannot start", f"JAX cannot start its devices ({error})", remedy),))
    if not probed.devices:
        return Section("devices", (Finding("JAX", "not tried: a library cannot be imported"),))
    kinds = Counter(probed.devices)
    found = [
        Finding(kind.platform, f"{count} x {kind.kind}{f', {shown_bytes(kind.bytes)}' if kind.bytes else ''}")
        for kind, count in kinds.items()
    ]
    used = {device.platform for device in probed.devices}
    return Section("devices", (*found, *([] if platforms else _unused(used))))


def _unused(used: Iterable[str]) -> Iterable[Finding]:
    for driver, (platform, kind, install) in DRIVERS.items():
        if platform not in used and driver.exists():
            yield Finding(platform, "not used", f"there is {kind}, and JAX computes without it", install)
