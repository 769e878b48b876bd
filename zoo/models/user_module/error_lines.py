"""What the code of a user's module raised, as one line that names the line of that code."""

import traceback
from pathlib import Path

from zoo.printable import one_line

# Of these the user has written none.
LIBRARIES = (
    "flax",
    "jax",
    "jaxlib",
    "zoo",
    "importlib",
    "_frozen_importlib",
    "_frozen_importlib_external",
    "contextlib",
)


def error_line(error: BaseException) -> str:
    """The class of the error, its first paragraph, and the last line of the user's code on the way to it."""
    first_paragraph = str(error).split("\n\n")[0].partition(" (https://")[0]
    text = one_line(f"{type(error).__name__}: {first_paragraph}".removesuffix(": "), 300)
    where = _users_line(error)
    return f"{text} ({where})" if where else text


def _users_line(error: BaseException) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        return ""  # which names it itself
    found = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        module = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if module not in LIBRARIES:
            found = f"{Path(frame.f_code.co_filename).name}, line {line}"
    return found
