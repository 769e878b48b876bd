"""Imports libraries and starts the devices in a process of its own, which may hang or crash: `python probe.py`.

It imports nothing of zoo. Arguments: the parent's sys.path and the steps, as JSON; a step is `DEVICES` or the name of a
module. It prints a line of JSON, after `MARK`, before each step, one with its result or error, and one at its end.
"""

import json
import sys
from importlib import import_module
from typing import Any

# Before each line of ours: libraries print too.
MARK = "zoo-probe "
DEVICES, END = "(devices)", "(end)"


def main() -> None:
    """All steps; one that fails does not keep the next from being tried."""
    sys.path[:], steps = json.loads(sys.argv[1]), json.loads(sys.argv[2])
    for step in steps:
        say(step=step)
        try:
            if step == DEVICES:
                say(step=step, found=[describe(device) for device in local_devices()])
            else:
                import_module(step)
        except BaseException as error:
            say(step=step, error=f"{type(error).__name__}: {error}")
    say(step=END)


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
