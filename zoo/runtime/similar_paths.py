"""What was probably meant by the path of a file or folder that does not exist."""

import os
from itertools import islice
from pathlib import Path

from zoo.errors import did_you_mean, similar_names

# Of a folder with more names, these are looked at.
MAX_NAMES = 10_000
# How similar a name must be. Ends such as .jpg are alike, and say nothing.
MIN_SIMILAR = 0.75


def similar_paths(path: str | os.PathLike[str]) -> str:
    """The end of a message, as `suggestion`: paths with a similar name where the first part of this one is missing."""
    try:
        missing = _first_missing(Path(path))
        with os.scandir(missing.parent) as entries:
            # A folder that exists may lack what it should hold: it is not what was meant.
            names = [entry.name for entry in islice(entries, MAX_NAMES) if entry.name != missing.name]
        rest = Path(path).relative_to(missing)
        similar = similar_names(missing.name, names, MIN_SIMILAR)
        whole = [str(missing.with_name(name) / rest) for name in similar]
        return did_you_mean([one for one in whole if Path(one).exists()])
    except (OSError, ValueError):
        return ""


def _first_missing(path: Path) -> Path:
    """The first part of a path, with those before it, that does not exist."""
    missing = path
    while missing.parent != missing and not missing.parent.is_dir():
        missing = missing.parent
    return missing
