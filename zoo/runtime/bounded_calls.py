"""Calls that end in time: each is made in a thread, which is left behind where the call does not return."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class CallTimeout(Exception):
    """A call has not returned in time."""


class BoundedCall(Protocol):
    """Calls a function in a thread, waits for it at most `seconds`, and returns what it returns or raises."""

    def __call__(self, seconds: float, function: Callable[..., T], *arguments: Any) -> T: ...


@contextmanager
def bounded_calls() -> Iterator[BoundedCall]:
    """Yields what makes calls, one after another, in one thread. It raises CallTimeout for one that takes too long.

    No timeout of a socket bounds a whole response, which may come byte by byte, or the search for a host's address.
    After CallTimeout no further call can be made: the thread still waits for that one, and does not keep the process
    alive.
    """
    functions: SimpleQueue[Callable[[], Any] | None] = SimpleQueue()
    results: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()

    def call(seconds: float, function: Callable[..., T], *arguments: Any) -> T:
        functions.put(partial(function, *arguments))
        try:
            value, error = results.get(timeout=max(0.0, seconds))
        except Empty:
            raise CallTimeout from None
        if error:
            raise error
        return value

    threading.Thread(target=_serve, args=(functions, results), daemon=True).start()
    try:
        yield call
    finally:
        functions.put(None)


def call_within(seconds: float, function: Callable[..., T], *arguments: Any) -> T:
    """One call of `bounded_calls`."""
    with bounded_calls() as call:
        return call(seconds, function, *arguments)


def _serve(
    functions: "SimpleQueue[Callable[[], Any] | None]", results: "SimpleQueue[tuple[Any, BaseException | None]]"
) -> None:
    while function := functions.get():
        try:
            results.put((function(), None))
        except BaseException as error:
            results.put((None, error))
