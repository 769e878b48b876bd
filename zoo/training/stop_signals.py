"""Ctrl-C and SIGTERM as a request to stop at the next step."""

from collections.abc import Iterator
from contextlib import contextmanager
from signal import SIGINT, SIGTERM, getsignal
from signal import signal as set_handler


class StopRequest:
    """The number of the signal that asked for a stop, once one did; 0 before."""

    number: int = 0


def exit_code(number: int) -> int:
    """128 + the signal's number, the shell's convention: 130 after Ctrl-C, 143 after SIGTERM."""
    return 128 + number


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """While inside, the first Ctrl-C or SIGTERM is noted only; a second one acts at once."""
    request = StopRequest()
    before = {number: getsignal(number) for number in (SIGINT, SIGTERM)}

    def note(number: int, frame: object) -> None:
        request.number = number
        restore()

    def restore() -> None:
        for number, handler in before.items():
            set_handler(number, handler)

    for number in before:
        set_handler(number, note)
    try:
        yield request
    finally:
        restore()
