"""ZooError and ZooWarning, which the commands print as one line, and parts of their messages."""

import difflib
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path

from zoo.printable import printable


class ZooError(ValueError):
    """Bad input. The message is one line: what was wrong, and what to do. Names in it are shown as by `printable`."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))

    def _render_traceback_(self) -> list[str]:
        """For IPython, in place of a page of frames of zoo: the user's line, and the message."""
        frames = traceback.extract_tb(self.__traceback__)
        inside = next((index for index, frame in enumerate(frames) if _is_ours(frame.filename)), len(frames))
        called = frames[inside - 1] if inside else None
        where = [f"{called.line}  (line {called.lineno})"] if called and called.line else []
        return [*where, f"{type(self).__name__}: {self}"]


def _is_ours(file: str) -> bool:
    return Path(file).is_relative_to(Path(__file__).parent)


class ZooWarning(UserWarning):
    """What zoo chose where the input leaves a choice. The message is one line; the commands print it as such."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


def similar_names(name: str, names: Iterable[str], cutoff: float = 0.5) -> list[str]:
    """At most three names that are similar, the most similar first. Capitals do not matter."""
    known = sorted(set(names), key=str.swapcase)
    similar = difflib.get_close_matches(name.lower(), {one.lower(): one for one in known}, n=3, cutoff=cutoff)
    return [one for lower in similar for one in known if one.lower() == lower][:3]


def suggestion(name: str, names: Iterable[str]) -> str:
    """The end of an error message, "; did you mean a, b?", or "" if no name is similar."""
    return did_you_mean(similar_names(name, names))


def did_you_mean(names: Iterable[str]) -> str:
    """The end of an error message, "; did you mean a, b?", or "" without names."""
    listed = ", ".join(names)
    return f"; did you mean {listed}?" if listed else ""


def list_some(names: Iterable[str], limit: int = 3) -> str:
    """The first names in sorted order, for an error message: "a, b, c and 2 more", or "none"."""
    return list_first(sorted(names), limit) or "none"


def list_first(names: Sequence[str], limit: int, between: str = ", ") -> str:
    """The first names in their own order, for a message: "b, a and 2 more"; "" without names."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return between.join(names[:limit]) + more
