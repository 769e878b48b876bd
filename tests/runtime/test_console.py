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
    ("stream", "variables", "is_terminal"),
    [
        (Terminal, {}, True),
        (io.StringIO, {}, False),
        (Terminal, {"JPY_PARENT_PID": "7"}, False),
        (Terminal, {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}, False),
    ],
)
@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_only_a_terminal_has_moving_lines(monkeypatch, name, stream, variables, is_terminal):
    monkeypatch.setattr(sys, name, stream())
    for variable in ("JPY_PARENT_PID", "MPLBACKEND"):
        monkeypatch.delenv(variable, raising=False)
    # Jupyter sets it too, for `!python train.py`; CI systems set it for all.
    for variable, value in {"FORCE_COLOR": "1", **variables}.items():
        monkeypatch.setenv(variable, value)
    assert output_console(stderr=name == "stderr").is_terminal == is_terminal
