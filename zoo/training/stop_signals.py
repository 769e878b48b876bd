"""Ctrl-C and SIGTERM as a request to stop at the next step."""

from collections.abc import Iterator
from contextlib import contextmanager
from signal import SIGINT, SIGTERM, getsignal
from signal import signal as set_handler


class StopRequest:
    """`number` is that of the signal that asked for a stop, and 0 before."""

    number: int = 0


def exit_code(number: int) -> int:
    """128 + the signal's number, the shell's convention: 130 after Ctrl-C, 143 after SIGTERM."""
    return 128 + number


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Within this context the first Ctrl-C or SIGTERM only sets the request; a second one acts at once."""
    request = StopRequest()
    before = {number: getsignal(number) for number in (SIGINT, SIGTERM)}

    def record_signal(number: int, frame: object) -> None:
        request.number = number
        restore()

    def restore() -> None:
        for number, handler in before.items():
            set_handler(number, handler)

    for number in before:
        set_handler(number, record_signal)
    try:
        yield request
    finally:
        restore()
