"""The error of the data package, and how the error of another library becomes part of one line."""

from zoo.errors import ZooError


class DataError(ZooError):
    """A data set or an image that cannot be used: what was wrong and what to do, in one line."""


def short_message(error: BaseException, limit: int = 160) -> str:
    """The error's message as one short line, its type's name where it has no message."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= limit else text[: limit - 3] + "..."
