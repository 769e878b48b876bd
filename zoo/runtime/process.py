"""A command as a process: how it ends after Ctrl-C, a closed pipe or an error of the system."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from zoo.runtime.own_process import is_own_process

# That of `typing`, which is not imported before Ctrl-C is handled.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

# The shell's convention: 128 + the number of the signal.
INTERRUPTED = 130
# A progress bar hides the terminal's cursor.
SHOW_CURSOR = b"\x1b[?25h"


def run_process(command: Callable[[], int]) -> int:
    """The exit status of the command. Ctrl-C ends this process with status 130, at any moment and without a traceback.

    Call it as early as possible, before slow imports. In a process that is not the command's own, such as a notebook's,
    nothing but the command is run.
    """
    if not is_own_process():
        return command()
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        # Not after nohup, or in a script's background.
        signal.signal(signal.SIGINT, Leave())
    if hasattr(signal, "pthread_sigmask"):
        # `restart_with_huge_pages` blocks it.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    _replace_closed_streams()
    try:
        return command()
    except KeyboardInterrupt:
        leave(INTERRUPTED)


class Leave:
    """The handler of SIGINT: it cleans up and ends the process.

    It does not raise KeyboardInterrupt: while a library in C++ is imported that aborts the process, and in a callback
    it is lost. (No dataclass, whose import takes longer than all others here.)
    """

    def __init__(self, clean_up: Callable[[], None] = lambda: None) -> None:
        self.clean_up = clean_up

    def __call__(self, number: int, frame: FrameType | None) -> NoReturn:
        self.clean_up()
        leave(INTERRUPTED)


@contextmanager
def on_interrupt(clean_up: Callable[[], None]) -> Iterator[None]:
    """Within this context `clean_up` is called before Ctrl-C ends the process; it must be short."""
    with _handling(lambda before: Leave(clean_up)):
        yield


@contextmanager
def interruptible() -> Iterator[None]:
    """Within this context the first Ctrl-C raises KeyboardInterrupt, so that what is half written can be removed."""

    def raising(before: Leave) -> Callable[[int, FrameType | None], None]:
        def raise_once(number: int, frame: FrameType | None) -> NoReturn:
            signal.signal(signal.SIGINT, before)
            raise KeyboardInterrupt

        return raise_once

    with _handling(raising):
        yield


@contextmanager
def _handling(make_handler: Callable[[Leave], Callable[[int, FrameType | None], None]]) -> Iterator[None]:
    """Another handler of SIGINT in place of `Leave`; nothing where that is not the handler, or in other threads."""
    before = signal.getsignal(signal.SIGINT)
    if not isinstance(before, Leave) or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, make_handler(before))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def leave(status: int) -> NoReturn:
    """End this process now, without waiting for threads that compute or write."""
    for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
        # RuntimeError: the signal came while the stream was written.
        with suppress(OSError, ValueError, RuntimeError):
            stream.flush()
        with suppress(OSError):
            if os.isatty(descriptor):
                os.write(descriptor, SHOW_CURSOR)
    os._exit(status)


def discard_output() -> None:
    """Nothing more can be written to standard output: what Python flushes at exit is discarded."""
    # OSError: standard output is no descriptor, as in tests.
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def started_as(program: str) -> list[str]:
    """The words that start a process with this `sys.argv[0]` again, such as ["python", "-m", "zoo"]."""
    from pathlib import Path

    path = Path(program)
    if path.name == "__main__.py":
        return ["python", "-m", path.absolute().parent.name]
    return ["python", program] if path.suffix == ".py" else [path.name]


def _replace_closed_streams() -> None:
    """Python has None for a stream that is closed when it starts. Characters that a stream lacks are escaped.

    The next file that is opened would have the number of the closed stream, and libraries in C++ would write their
    messages into it.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None and descriptor:
            setattr(sys, name, os.fdopen(descriptor, "w"))
        elif descriptor and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
