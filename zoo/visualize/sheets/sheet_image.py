"""One image of a sheet: colours, or values with a colour map."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.visualize.colour_tables import NON_NEGATIVE, SIGNED


@dataclass(frozen=True, eq=False)
class SheetImage:
    """One image of a sheet: colours from 0 to 1 [height, width, 3], or values [height, width] with a colour map.

    The colour map goes from `low` to `high`; `bar` draws it under the image. `label` is the text above. `background`
    are colours drawn under values, which are then half transparent. `boxes` (top, left, bottom, right) are drawn on the
    image, with numbers if there are several.
    """

    pixels: np.ndarray
    label: str = ""
    colour_map: str | None = None
    low: float = 0.0
    high: float = 1.0
    bar: bool = False
    background: np.ndarray | None = None
    boxes: Sequence[np.ndarray] = ()


Rows = Sequence[Sequence[SheetImage]]


def signed_map(values: np.ndarray, label: str = "", *, high: float | None = None, bar: bool = False) -> SheetImage:
    """Signed values [height, width]: zero is white, positive red, negative blue, up to the magnitude `high`.

    `high` is by default the largest magnitude.
    """
    high = float(np.abs(values).max(initial=0)) if high is None else high
    return SheetImage(values, label, colour_map=SIGNED, low=-(high or 1.0), high=high or 1.0, bar=bar)


def non_negative_map(
    values: np.ndarray,
    label: str = "",
    *,
    high: float | None = None,
    bar: bool = False,
    background: np.ndarray | None = None,
) -> SheetImage:
    """Values of at least 0 [height, width]: zero is dark, `high` is yellow (by default the largest value)."""
    high = float(values.max(initial=0)) if high is None else high
    return SheetImage(values, label, colour_map=NON_NEGATIVE, low=0.0, high=high or 1.0, bar=bar, background=background)
