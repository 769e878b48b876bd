"""Lines for people, on the console."""

import shutil
import sys

from rich.console import Console


def tell(console: Console, text: str, style: str | None = None) -> None:
    """Print a line as it is: what is in it is not Rich's markup, and long lines are the terminal's to wrap."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def terminal_width() -> int | None:
    """Columns of the terminal; None for a pipe or a file, where nothing needs to be left out."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
