"""What is known of where the output goes."""

import shutil
import sys


def width() -> int | None:
    """Columns of the terminal; None for a pipe or a file, where nothing needs to be left out."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
