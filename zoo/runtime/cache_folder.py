"""The folder for files that can be made again: downloaded weights, compiled programs."""

import os
from pathlib import Path

from zoo.runtime.home_folder import expand_home


def cache_folder() -> Path:
    """ZOO_CACHE if it is set, else ~/.cache/zoo. The folder may not exist. Raises ZooError as `expand_home`."""
    return expand_home(os.environ.get("ZOO_CACHE") or "~/.cache/zoo")
