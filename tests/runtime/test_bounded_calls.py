"""Calls in a thread: what they return and raise arrives, and what does not return is left behind."""

import threading
import time

import pytest

from zoo.runtime.bounded_calls import CallTimeout, bounded_calls, call_within


def threads_end(before):
    """Whether all later threads end soon."""
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    return threading.active_count() <= before


def test_what_calls_return_and_raise_arrives_in_order():
    before = threading.active_count()
    with bounded_calls() as call:
        assert [call(10, divmod, number, 3) for number in range(5)] == [divmod(number, 3) for number in range(5)]
        with pytest.raises(ZeroDivisionError):
            call(10, divmod, 1, 0)
        with pytest.raises(SystemExit):
            call(10, exit, 3)
        assert call(10, int, "7") == 7
        assert call(10, threading.get_ident) == call(10, threading.get_ident) != threading.get_ident()
    assert threads_end(before)


@pytest.mark.parametrize("seconds", [0.05, 0, -1])
def test_a_call_that_does_not_return_is_left_behind(seconds):
    before, end = threading.active_count(), threading.Event()
    start = time.monotonic()
    with pytest.raises(CallTimeout):
        call_within(seconds, end.wait)
    assert time.monotonic() - start < 5
    end.set()
    assert threads_end(before)


def test_a_thread_that_is_left_behind_does_not_keep_the_process():
    with pytest.raises(CallTimeout):
        call_within(0.01, time.sleep, 0.5)
    assert [thread.daemon for thread in threading.enumerate() if "_serve" in thread.name][-1]
