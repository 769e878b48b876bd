"""Numbers as the page writes them."""

import math
from collections.abc import Sequence

# What the templates use.
FILTERS = ("times", "shape", "product", "comma", "share")


def times(values: Sequence[int]) -> str:
    """(14, 14, 20) as 14 × 14 × 20."""
    return " × ".join(f"{value:,}" for value in values)


def shape(values: Sequence[int]) -> str:
    """(14, 14, 20) as 14×14×20, without thousands separated, as tables have it."""
    return "×".join(str(value) for value in values)


def product(values: Sequence[int]) -> int:
    """How many values a shape holds."""
    return math.prod(values)


def comma(value: int) -> str:
    """1,582,671,872."""
    return f"{value:,}"


def share(part: int, whole: int) -> float:
    """Per cent, 0 of nothing."""
    return 100 * part / whole if whole else 0.0
