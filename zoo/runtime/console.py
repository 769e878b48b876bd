"""Lines on the console."""

from __future__ import annotations

import shutil
import sys
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from zoo.printable import printable
from zoo.runtime.notebook import shown_in_notebook

if TYPE_CHECKING:
    from rich.console import Console


def output_console(*, stderr: bool = False) -> Console:
    """Rich's console on standard output or error, with a moving bar only on a terminal, whatever FORCE_COLOR says.

    In a notebook lines are plain text: it does not do what a terminal does with control characters.
    """
    from rich.console import Console

    terminal = (sys.stderr if stderr else sys.stdout).isatty() and not shown_in_notebook()
    return Console(stderr=stderr, force_jupyter=False, force_terminal=None if terminal else False)


def print_line(console: Console, text: str, style: str | None = None) -> None:
    """Print a line verbatim: without Rich's markup and highlighting, and without wrapping; names as by `printable`."""
    console.print(printable(text), style=style, markup=False, highlight=False, soft_wrap=True)


def print_note(text: str) -> None:
    """Print a line for the user on standard error, with the name of the program before it."""
    # There is no other place where one could say that standard error cannot be written.
    with suppress(OSError):
        print(f"zoo: {printable(text.strip())}", file=sys.stderr, flush=True)


@cache
def print_note_once(text: str) -> None:
    """`print_note`, but only the first time in a process."""
    print_note(text)


def terminal_width() -> int | None:
    """The width of the terminal in columns; None for a pipe or a file, where lines may be of any length."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
