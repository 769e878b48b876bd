"""Numbers and shapes as the page writes them."""

import math
from collections.abc import Sequence

# The functions that the templates use as filters.
TEMPLATE_FILTERS = ("format_product", "format_shape", "format_integer", "number_of_values", "percentage")


def format_product(factors: Sequence[int]) -> str:
    """(14, 14, 20) as 14 × 14 × 20, with thousands separated."""
    return " × ".join(f"{factor:,}" for factor in factors)


def format_shape(shape: Sequence[int]) -> str:
    """(14, 14, 20) as 14×14×20, as in tables: no spaces, no separated thousands."""
    return "×".join(str(size) for size in shape)


def format_integer(value: int) -> str:
    """1582671872 as 1,582,671,872."""
    return f"{value:,}"


def number_of_values(shape: Sequence[int]) -> int:
    """How many values an array of this shape has."""
    return math.prod(shape)


def percentage(part: int, whole: int) -> float:
    """`part` in per cent of `whole`; 0 if `whole` is 0."""
    return 100 * part / whole if whole else 0.0
