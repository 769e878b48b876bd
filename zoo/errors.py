"""ZooError, which the commands print as one line, and suggestions for misspelled names."""

import difflib
from collections.abc import Iterable


class ZooError(ValueError):
    """Bad input. The message is one line: what was wrong, and what to do."""


def suggestion(name: str, names: Iterable[str]) -> str:
    """The end of an error message, "; did you mean a, b?", or "" if no name is similar."""
    similar = difflib.get_close_matches(name.lower(), list(names), n=3, cutoff=0.5)
    return f"; did you mean {', '.join(similar)}?" if similar else ""
