"""The folder for files that can be made again: downloaded weights, compiled programs."""

import os
from pathlib import Path

from zoo.errors import ZooError


def cache_folder() -> Path:
    """ZOO_CACHE if it is set, else ~/.cache/zoo. The folder may not exist. Raises ZooError as `expanded`."""
    return expanded(os.environ.get("ZOO_CACHE") or "~/.cache/zoo")


def expanded(path: str | Path) -> Path:
    """The path with ~ and ~user replaced. Raises ZooError where that user's home folder is not known."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        user = str(path).partition(os.sep)[0]
        why = "set HOME" if user == "~" else "there is no user of that name"
        raise ZooError(f"{path}: the home folder {user} is not known ({why}): give the whole path") from None
