"""Ctrl-C, SIGTERM and SIGHUP as a request to stop at the next step."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from signal import SIG_IGN, SIGHUP, SIGINT, SIGTERM, getsignal
from signal import signal as set_handler
from typing import Any


class StopRequest:
    """`number` is that of the signal that asked for a stop, and 0 before."""

    number: int = 0


def exit_code(number: int) -> int:
    """128 + the signal's number, the shell's convention: 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP."""
    return 128 + number


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Within this context the first Ctrl-C, SIGTERM or SIGHUP only sets the request.

    A second Ctrl-C or SIGTERM acts at once. A second SIGHUP does nothing: shell and kernel both send one where a
    terminal closes. Under nohup, which ignores SIGHUP, it stays ignored. In a thread other than the main one, where
    Python has no signals, nothing asks for a stop.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before: dict[int, Any] = {number: getsignal(number) for number in (SIGINT, SIGTERM, SIGHUP)}
    handled = [number for number in before if number != SIGHUP or before[number] != SIG_IGN]

    def record_signal(number: int, frame: object) -> None:
        if number == SIGHUP:
            discard_output_of_closed_terminals()
            if request.number:
                return
        request.number = number
        restore(SIGINT, SIGTERM)

    def restore(*numbers: int) -> None:
        for number in numbers:
            set_handler(number, before[number])

    for number in handled:
        set_handler(number, record_signal)
    try:
        yield request
    finally:
        restore(*handled)


def discard_output_of_closed_terminals() -> None:
    """Standard output and error of a terminal that was closed go nowhere: writing there would fail before the save."""
    for descriptor in (1, 2):
        try:
            os.write(descriptor, b"")
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
