"""Imports libraries and starts the devices in a process of its own, which may hang or crash: `python probe.py`.

It imports nothing of zoo. Arguments: the parent's sys.path and the names of modules, as JSON. It prints a line of JSON,
after `MARK`, before each step and one with its result.
"""

import json
import sys
from importlib import import_module
from typing import Any

# Before each line of ours: libraries print too.
MARK = "zoo-probe "
DEVICES = "devices"


def main() -> None:
    """All steps; one that fails does not keep the next from being tried."""
    sys.path[:], modules = json.loads(sys.argv[1]), json.loads(sys.argv[2])
    for module in modules:
        say(step=module)
        try:
            import_module(module)
        except BaseException as error:
            say(step=module, error=f"{type(error).__name__}: {error}")
    say(step=DEVICES)
    try:
        found = [describe(device) for device in local_devices()]
    except BaseException as error:
        say(step=DEVICES, error=f"{type(error).__name__}: {error}")
    else:
        say(step=DEVICES, found=found)


def local_devices() -> list[Any]:
    """The devices of this process, all of the platform that JAX chooses."""
    import jax

    return jax.local_devices()


def describe(device: Any) -> dict[str, Any]:
    """What a device is. It has computed something: a driver that does not fit fails only then."""
    import jax

    jax.device_get(jax.jit(lambda x: x + 1)(jax.device_put(1.0, device)))
    stats = device.memory_stats() or {}
    return {"platform": device.platform, "kind": device.device_kind, "bytes": stats.get("bytes_limit")}


def say(**result: Any) -> None:
    """Print a line for the parent."""
    print(f"\n{MARK}{json.dumps(result)}", flush=True)


if __name__ == "__main__":
    main()
