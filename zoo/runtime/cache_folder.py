"""The folder for files that can be made again: downloaded weights, compiled programs."""

import os
from pathlib import Path

from zoo.errors import ZooError
from zoo.runtime.home_folder import expand_home


def cache_folder() -> Path:
    """ZOO_CACHE if it is set, else ~/.cache/zoo. The folder may not exist. Raises ZooError as `expand_home`."""
    return expand_home(os.environ.get("ZOO_CACHE") or "~/.cache/zoo")


def programs_folder() -> Path:
    """Where compiled programs are kept. Raises ZooError for storage that is not on this machine."""
    folder = os.environ.get("JAX_COMPILATION_CACHE_DIR")
    if folder and "://" in folder:
        raise ZooError(f"compiled programs are in {folder}, not on this machine: use the tools of that storage")
    return Path(folder) if folder else cache_folder() / "xla"
