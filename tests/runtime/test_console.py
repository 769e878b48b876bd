"""Lines are printed verbatim."""

import io
import sys

import pytest
from rich.console import Console

from zoo.runtime.console import output_console, print_line


def test_brackets_and_long_lines_stay():
    console = Console(file=io.StringIO(), width=20)
    line = "resume with: --freeze 'inception_4[a-c]/.*' [/tmp/run] [bold] and so on"
    print_line(console, line)
    assert console.file.getvalue() == line + "\n"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "kernel", "is_terminal"), [(Terminal, "", True), (io.StringIO, "", False), (Terminal, "7", False)]
)
def test_only_a_terminal_has_moving_lines(monkeypatch, stream, kernel, is_terminal):
    monkeypatch.setattr(sys, "stdout", stream())
    # Jupyter sets both for `!python train.py`; CI systems set the first.
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("JPY_PARENT_PID", kernel) if kernel else monkeypatch.delenv("JPY_PARENT_PID", raising=False)
    assert output_console().is_terminal == is_terminal
