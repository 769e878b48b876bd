"""Paths that begin with ~."""

import os
from pathlib import Path

from zoo.errors import ZooError


def expand_home(path: str | Path) -> Path:
    """The path with ~ and ~user replaced. Raises ZooError where that user's home folder is not known."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        user = str(path).partition(os.sep)[0]
        why = "set HOME" if user == "~" else "there is no user of that name"
        raise ZooError(f"{path}: the home folder {user} is not known ({why}): give the whole path") from None
