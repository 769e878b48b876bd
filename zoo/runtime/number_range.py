"""A range of numbers, for a text of the command line and for a value in Python."""

import math
import re
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from zoo.errors import ZooError
from zoo.printable import quoted

# float() and int() alone also take "1_000", " 1", digits of other scripts, "nan" and "inf".
WHOLE = re.compile(r"-?[0-9]+", re.ASCII)
REAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.ASCII | re.IGNORECASE)
# Python refuses to read longer integers than 4,300 digits, and takes long for one of a thousand.
MAX_DIGITS = 40
MIN_FLOAT32 = 2.0**-126
# The nearest float32 to anything from here up to 1 is 1.
ROUNDED_UP = 2.0**-25


@dataclass(frozen=True, kw_only=True)
class NumberRange:
    """Numbers from `minimum` to `maximum`, both included, and less than `below`; only whole ones with `whole`.

    Others are those of float32, in which they are computed with: what would be rounded to 0 or up to `below` is out.
    """

    minimum: float = 0
    maximum: float = math.inf
    below: float = math.inf
    whole: bool = True

    def __str__(self) -> str:
        """Such as "1 to 1000", "0 to less than 1", or "at least 0"."""
        ends = (self.minimum, self.maximum, self.below)
        least, most, below = (f"{end}" if isinstance(end, int) else f"{end:.12g}" for end in ends)
        if math.isfinite(self.below):
            return f"{least} to less than {below}"
        return f"{least} to {most}" if math.isfinite(self.maximum) else f"at least {least}"

    @property
    def expected(self) -> str:
        """What a message says that a number must be."""
        start = "" if str(self).startswith("at least") else "from "
        return f"a {'whole number' if self.whole else 'float32 number'} {start}{self}"

    def parse(self, text: str) -> int | float:
        """The number that a text is. Raises ZooError, also for one that is not in the range."""
        number = _parse(text, self.whole)
        if number is None or not self.has(number):
            raise ZooError(f"{quoted(text)} is not {self.expected}")
        return number

    def has(self, value: Any) -> bool:
        """Whether a value is a number in the range."""
        if isinstance(value, bool) or not isinstance(value, Integral if self.whole else Real):
            return False
        number: Any = value
        # Written so that NaN fails too.
        if not (self.minimum <= number <= self.maximum and number < self.below) or number == math.inf:
            return False
        if self.whole:
            return True
        rounds_up = math.isfinite(self.below) and number >= self.below * (1 - ROUNDED_UP)
        return not rounds_up and (number == 0 or abs(number) >= MIN_FLOAT32)

    def check(self, value: Any, name: str) -> None:
        """Raises ZooError, which names the value, unless it is in the range."""
        if not self.has(value):
            raise ZooError(f"{name} is {quoted(value)}: it must be {self.expected}")


def _parse(text: str, whole: bool) -> int | float | None:
    """The number that a text is, None if it is none."""
    if not (WHOLE if whole else REAL).fullmatch(text):
        return None
    if whole:
        return int(text) if len(text) <= MAX_DIGITS else None
    # Without the sign of -0.
    return float(text) + 0.0
