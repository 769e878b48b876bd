"""Types of arguments, for argparse: a number out of range is an error before anything runs."""

import argparse
from collections.abc import Callable
from pathlib import Path


def path(text: str) -> Path:
    """A path. An empty text is an error, as from a variable that is not set: it would be the current folder."""
    if text:
        return Path(text)
    raise argparse.ArgumentTypeError("the path is empty")


def whole_number(text: str) -> int:
    """A whole number, negative too."""
    if text.removeprefix("-").isdecimal() and text.isascii():
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} is not a whole number")


def number(text: str) -> float:
    """A number, such as 0.1 or 1e-3."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a number") from None


def positive(text: str) -> int:
    """A whole number of at least 1."""
    return _integer(text, "at least 1", lambda number: number >= 1)


def non_negative(text: str) -> int:
    """A whole number of at least 0."""
    return _integer(text, "at least 0", lambda number: number >= 0)


def between(smallest: int, largest: int) -> Callable[[str], int]:
    """A whole number from `smallest` to `largest`, both included."""
    return lambda text: _integer(text, f"from {smallest} to {largest}", lambda number: smallest <= number <= largest)


def _integer(text: str, expected: str, is_valid: Callable[[int], bool]) -> int:
    # int() alone also takes "1_000", " 1" and digits of other scripts.
    if text.isascii() and text.isdecimal() and is_valid(int(text)):
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} is not a whole number {expected}")
