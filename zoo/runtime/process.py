"""A command as a process: how it ends after Ctrl-C, a closed pipe or an error of the system."""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

# The shell's convention: 128 + the number of the signal.
INTERRUPTED = 130


def run_process(command: Callable[[], int]) -> int:
    """The exit status of the command. Ctrl-C at any moment ends this process with status 130 and without a traceback.

    Call it as early as possible, before slow imports. The first Ctrl-C raises KeyboardInterrupt, so that files are
    closed or removed; the second one does not wait for that. The process does not wait for its threads either.
    """
    interrupts = Interrupts()
    try:
        interrupts.install()
        _replace_closed_streams()
        status = command()
        return INTERRUPTED if interrupts.received else status
    except BaseException:
        # A library may have made another exception of it.
        if interrupts.received:
            leave(INTERRUPTED)
        raise
    finally:
        interrupts.received = True


class Interrupts:
    """The handler of SIGINT: the first one raises KeyboardInterrupt, a further one ends the process at once."""

    def __init__(self) -> None:
        self.received = False

    def install(self) -> None:
        """Handle SIGINT, unless the process was started to ignore it, as after nohup."""
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self)
        if hasattr(signal, "pthread_sigmask"):
            # `restart_with_huge_pages` blocks it, since Python prints a traceback while it starts.
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.received:
            leave(INTERRUPTED)
        self.received = True
        raise KeyboardInterrupt


def leave(status: int) -> None:
    """End this process now, without waiting for threads that compute or write."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


def discard_output() -> None:
    """Nothing more can be written to standard output: what Python flushes at exit is discarded."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def started_as(program: str) -> list[str]:
    """The words that start a process with this `sys.argv[0]` again, such as ["python", "-m", "zoo"]."""
    from pathlib import Path

    path = Path(program)
    if path.name == "__main__.py":
        return ["python", "-m", path.absolute().parent.name]
    return ["python", program] if path.suffix == ".py" else [path.name]


def _replace_closed_streams() -> None:
    """Python has None for a stream that is closed when it starts. Characters that a stream lacks are escaped."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
        elif hasattr(stream := getattr(sys, name), "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
