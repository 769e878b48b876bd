"""The folder for files that can be made again: downloaded weights, compiled programs."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """ZOO_CACHE if it is set, else ~/.cache/zoo. The folder may not exist."""
    return Path(os.environ.get("ZOO_CACHE") or "~/.cache/zoo").expanduser()
