"""A function that is called in a thread of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")


def in_background(function: Callable[[], Result]) -> "Future[Result]":
    """Start to call the function in another thread; its result, or what it raises, is that of the future.

    The end of the process does not wait for the thread, as for those of an executor.
    """
    future: Future[Result] = Future()

    def call() -> None:
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=call, name=function.__qualname__, daemon=True).start()
    return future
