"""The folder for what can be had again: downloaded weights, compiled programs."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """ZOO_CACHE where it is set, else ~/.cache/zoo; it need not exist."""
    return Path(os.environ.get("ZOO_CACHE") or "~/.cache/zoo").expanduser()
