"""The one exception that a command line turns into one clear line."""

import difflib
from collections.abc import Iterable


class ZooError(ValueError):
    """Bad input: what was wrong and what to do about it, in one line."""


def nearest(name: str, names: Iterable[str]) -> str:
    """The end of an error message: "; did you mean a, b?", or nothing where nothing is near."""
    close = difflib.get_close_matches(name.lower(), list(names), n=3, cutoff=0.5)
    return f"; did you mean {', '.join(close)}?" if close else ""
