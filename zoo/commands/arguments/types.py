"""Types of arguments, for argparse: a number out of range is an error before anything runs."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import ZooError
from zoo.runtime.home_folder import expand_home
from zoo.runtime.number_range import NumberRange


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
