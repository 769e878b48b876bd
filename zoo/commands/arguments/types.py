"""Types of arguments, for argparse: a number out of range is an error before anything runs."""

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import ZooError
from zoo.printable import quoted
from zoo.runtime.home_folder import expand_home
from zoo.runtime.number_range import NumberRange

# Letters after a number, in either case.
THOUSANDS = {"k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9, "t": 10**12}
AMOUNT = NumberRange(minimum=0, maximum=10**15, whole=False)


def path(text: str) -> Path:
    """A path, in which ~ is the home folder: shells leave it in --out=~/pictures.

    An empty text is an error, as from a variable that is not set: it would be the current folder.
    """
    if not text:
        raise argparse.ArgumentTypeError("the path is empty")
    try:
        return expand_home(text)
    except ZooError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


@dataclass(frozen=True)
class InRange:
    """A number in this range."""

    allowed: NumberRange

    def __call__(self, text: str) -> int | float:
        """The number that the text is."""
        try:
            return self.allowed.parse(text)
        except ZooError as error:
            raise argparse.ArgumentTypeError(str(error)) from None


@dataclass(frozen=True)
class Quantity:
    """A number that may end with a letter for thousands (k), millions (M) or billions (G or B)."""

    def __call__(self, text: str) -> float:
        """The number that the text is."""
        factor = THOUSANDS.get(text[-1:].lower(), 1)
        try:
            return AMOUNT.parse(text if factor == 1 else text[:-1]) * factor
        except ZooError:
            raise argparse.ArgumentTypeError(f"{quoted(text)} is no number such as 500k, 10M or 1.5G") from None


@dataclass(frozen=True)
class Interval:
    """The numbers from `first` to `last`, both included; without them all numbers."""

    first: float = 0
    last: float = math.inf

    def __contains__(self, number: float) -> bool:
        return self.first <= number <= self.last


@dataclass(frozen=True)
class IntervalOf:
    """An `Interval` of whole numbers in this range: one number, FIRST-LAST, or FIRST- without an end."""

    allowed: NumberRange

    def __call__(self, text: str) -> Interval:
        """The interval that the text is."""
        first, dash, last = text.partition("-")
        try:
            start = self.allowed.parse(first)
            end = self.allowed.parse(last) if last else math.inf if dash else start
        except ZooError:
            expected = self.allowed.expected
            raise argparse.ArgumentTypeError(f"{quoted(text)} is not {expected}, or two of them as 1-9") from None
        if end < start:
            raise argparse.ArgumentTypeError(f"{quoted(text)} ends before it starts: give the smaller number first")
        return Interval(start, end)
