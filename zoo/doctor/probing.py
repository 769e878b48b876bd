"""Runs `probe.py`, and ends it where a step takes too long: the start of a TPU or a GPU may hang."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any

from zoo.doctor.probe import END, MARK
from zoo.printable import one_line
from zoo.runtime.process import on_interrupt

# A process that waits within the system for a device does not end when it is killed.
SECONDS_TO_END = 2.0
LONGEST_ERROR = 300


@dataclass(frozen=True)
class Device:
    """A device of JAX; `bytes` of memory, where that is known."""

    platform: str
    kind: str
    bytes: int | None


@dataclass(frozen=True)
class Probed:
    """What the steps did. `errors` by step; in `not_tried` are the steps after a crash."""

    devices: tuple[Device, ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    not_tried: tuple[str, ...] = ()


def probe(steps: Sequence[str], seconds: float, environment: Mapping[str, str]) -> Probed:
    """Take steps, each in at most `seconds`: the import of a module, or `DEVICES`, the start of the devices."""
    # The whole memory of a GPU would be taken, also from a training run.
    variables = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", **environment}
    # -P: neither the folder of the program nor the current one is added to the parent's path.
    command = [sys.executable, "-P", str(Path(__file__).with_name("probe.py")), json.dumps(sys.path)]
    child = subprocess.Popen(
        [*command, json.dumps(steps)],
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    with on_interrupt(child.kill):
        return _Reader(child, steps, seconds).read()


class _Reader:
    """Reads the lines of a probe as they come. Threads read its pipes, since a pipe of a hung process never ends."""

    def __init__(self, child: "subprocess.Popen[str]", steps: Sequence[str], seconds: float) -> None:
        self._child, self._steps, self._seconds = child, steps, seconds
        self._output: SimpleQueue[str | None] = SimpleQueue()
        self._errors: SimpleQueue[str | None] = SimpleQueue()
        for stream, lines in ((child.stdout, self._output), (child.stderr, self._errors)):
            threading.Thread(target=_read, args=(stream, lines), daemon=True).start()

    def read(self) -> Probed:
        started: list[str] = []
        errors: dict[str, str] = {}
        devices: tuple[Device, ...] = ()
        while (result := self._next(errors, started)) is not None:
            step = result["step"]
            if "error" in result:
                errors[step] = one_line(result["error"], LONGEST_ERROR)
            elif "found" in result:
                devices = tuple(Device(**device) for device in result["found"])
            else:
                started.append(step)
        if started and started[-1] != END and started[-1] not in errors:
            errors[started[-1]] = self._crash()
        self._end()
        return Probed(devices, errors, tuple(step for step in self._steps if step not in started))

    def _next(self, errors: dict[str, str], started: list[str]) -> dict[str, Any] | None:
        """The next line of the probe; None at its end, or after a step that took too long, which becomes an error."""
        while True:
            try:
                line = self._output.get(timeout=self._seconds)
            except Empty:
                errors[started[-1] if started else self._steps[0]] = f"no answer within {self._seconds:g} s"
                return None
            if line is None:
                return None
            if line.startswith(MARK):
                return json.loads(line.removeprefix(MARK))

    def _crash(self) -> str:
        """Why the process ended: the last line that it wrote to standard error, or how it ended."""
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(SECONDS_TO_END)
        lines = []
        with suppress(Empty):
            while (line := self._errors.get(timeout=SECONDS_TO_END)) is not None:
                lines.append(line.strip())
        said = next((line for line in reversed(lines) if line), "")
        status = self._child.returncode
        ended = f"the process ended with {f'signal {-status}' if status and status < 0 else f'status {status}'}"
        return one_line(f"{ended} ({said})" if said else ended, LONGEST_ERROR)

    def _end(self) -> None:
        self._child.kill()
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(SECONDS_TO_END)


def _read(stream: IO[str], lines: "SimpleQueue[str | None]") -> None:
    with suppress(OSError, ValueError):
        for line in stream:
            lines.put(line)
    lines.put(None)


def child_environment(*left_out: str) -> dict[str, str]:
    """The variables of this process without some."""
    return {name: value for name, value in os.environ.items() if name not in left_out}
