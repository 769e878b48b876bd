"""Lines on the console."""

import shutil
import sys

from rich.console import Console


def print_line(console: Console, text: str, style: str | None = None) -> None:
    """Print a line verbatim: without Rich's markup and highlighting, and without wrapping."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def terminal_width() -> int | None:
    """The width of the terminal in columns; None for a pipe or a file, where lines may be of any length."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
