"""Signals as requests to stop: which are handled, and which of them act at once."""

import os
import pty
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from zoo.training import stop_signals
from zoo.training.stop_signals import exit_code, stop_on_signals

HANDLED = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", HANDLED)
def test_the_first_signal_is_a_request(number):
    before = [signal.getsignal(one) for one in HANDLED]
    with stop_on_signals() as request:
        assert request.number == 0
        signal.raise_signal(number)
        assert request.number == number and exit_code(number) == 128 + number
    assert [signal.getsignal(one) for one in HANDLED] == before


@pytest.mark.parametrize("first", HANDLED)
def test_a_second_ctrl_c_acts_at_once(first):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with stop_on_signals() as request, pytest.raises(KeyboardInterrupt):
            signal.raise_signal(first)
            assert request.number == first
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("first", HANDLED)
def test_a_second_hangup_does_not(first):
    with stop_on_signals() as request:
        for number in (first, signal.SIGHUP, signal.SIGHUP):
            signal.raise_signal(number)
        assert request.number == first


def test_under_nohup_a_closed_terminal_does_not_stop():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_on_signals() as request:
            signal.raise_signal(signal.SIGHUP)
            assert request.number == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_thread_handles_no_signals():
    before = [signal.getsignal(one) for one in HANDLED]

    def handlers():
        with stop_on_signals() as request:
            return request.number, [signal.getsignal(one) for one in HANDLED]

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(handlers).result() == (0, before)


PROGRAM = """
import runpy, sys, time
stop_on_signals = runpy.run_path(sys.argv[2])["stop_on_signals"]
with stop_on_signals() as request:
    print("ready", flush=True)
    while not request.number:
        time.sleep(0.01)
    print("a line that nobody can read", flush=True)
    print("saved", file=open(sys.argv[1], "w"))
sys.exit(128 + request.number)
"""


def test_what_is_printed_after_the_terminal_was_closed_stops_nothing(tmp_path):
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "saved"), stop_signals.__file__]
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs)
    os.close(theirs)
    assert b"ready" in os.read(ours, 100)
    os.close(ours)
    process.send_signal(signal.SIGHUP)
    assert process.wait(60) == 129
    assert (tmp_path / "saved").read_text() == "saved\n"
