"""A process is the command's own only where Python was started for it, and nothing else runs there."""

import sys
import threading

import pytest

from zoo.runtime import own_process
from zoo.runtime.own_process import is_own_process

OWN = [
    (["python", "train.py", "--model", "lenet5"], ["train.py", "--model", "lenet5"]),
    (["python", "train.py"], ["train.py"]),
    (["python", "-W", "error", "-X", "dev", "-u", "train.py", "-m"], ["train.py", "-m"]),
    (["/usr/bin/python3", "/usr/bin/zoo", "train"], ["/usr/bin/zoo", "train"]),
    (["python", "-m", "zoo", "train", "--epochs", "1"], ["/lib/zoo/__main__.py", "train", "--epochs", "1"]),
    (["python", "-u", "-m", "zoo"], ["/lib/zoo/__main__.py"]),
    (["python", "-mzoo", "train"], ["/lib/zoo/__main__.py", "train"]),
    (["python", "-uBm", "zoo", "train"], ["/lib/zoo/__main__.py", "train"]),
    (["python", "-Ximporttime", "-Werror", "-m", "zoo"], ["/lib/zoo/__main__.py"]),
    (["python", "-c", "main()", "train"], ["-c", "train"]),
    (["python", "-cmain()", "train"], ["-c", "train"]),
]
OTHERS = {
    "a notebook": (["python", "-m", "ipykernel_launcher", "-f", "kernel.json"], ["train.py", "--model", "lenet5"]),
    "an interpreter": (["python"], [""]),
    "IPython": (["python", "/usr/bin/ipython", "train.py"], ["train.py"]),
    "a profiler": (["python", "-m", "cProfile", "train.py", "--model"], ["train.py", "--model"]),
    "a profiler, joined": (["python", "-mcProfile", "train.py", "--model"], ["train.py", "--model"]),
    "a profiler, with options": (["python", "-um", "cProfile", "-s", "time", "train.py"], ["train.py"]),
    "a debugger of a module": (["python", "-m", "pdb", "-m", "zoo", "train"], ["/lib/zoo/__main__.py", "train"]),
    "another script": (["python", "own.py", "--seed", "1"], ["train.py", "--model", "lenet5"]),
    "a script that changes its arguments": (["python", "own.py"], ["own.py", "train"]),
    "standard input": (["python", "-"], ["-"]),
    "a script from standard input": (["python"], ["", "--seed"]),
}


@pytest.fixture
def alone(monkeypatch):
    monkeypatch.setattr(own_process, "_is_alone", lambda: True)


@pytest.mark.parametrize(("started", "arguments"), OWN)
def test_started_from_a_shell(alone, monkeypatch, started, arguments):
    monkeypatch.setattr(sys, "orig_argv", started)
    monkeypatch.setattr(sys, "argv", arguments)
    assert is_own_process()


@pytest.mark.parametrize(("started", "arguments"), OTHERS.values(), ids=OTHERS)
def test_started_by_another_program(alone, monkeypatch, started, arguments):
    monkeypatch.setattr(sys, "orig_argv", started)
    monkeypatch.setattr(sys, "argv", arguments)
    assert not is_own_process()


def test_beside_another_thread(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train.py"])
    monkeypatch.setattr(sys, "orig_argv", ["python", "train.py"])
    monkeypatch.setattr(sys, "gettrace", lambda: None)
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    assert is_own_process()
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    assert not is_own_process()
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setattr(sys, "gettrace", lambda: print)
    assert not is_own_process()
