"""Colours of values: one table for values of both signs, one for values of at least 0.

Sheets name the same two tables of matplotlib; pages have them without matplotlib.
"""

from collections.abc import Sequence

import numpy as np

Colour = tuple[int, int, int]

# ColorBrewer's RdBu reversed: blue is negative, white zero, red positive. Evenly spaced.
SIGNED = "RdBu_r"
SIGNED_COLOURS: Sequence[Colour] = (
    *((5, 48, 97), (33, 102, 172), (67, 147, 195), (146, 197, 222), (209, 229, 240)),
    (247, 247, 247),
    *((253, 219, 199), (244, 165, 130), (214, 96, 77), (178, 24, 43), (103, 0, 31)),
)
# Viridis: dark is zero, yellow the largest value. Seventeen of its colours, evenly spaced.
NON_NEGATIVE = "viridis"
NON_NEGATIVE_COLOURS: Sequence[Colour] = (
    *((68, 1, 84), (72, 24, 106), (71, 45, 123), (66, 64, 134), (59, 82, 139), (51, 99, 141)),
    *((44, 114, 142), (38, 130, 142), (33, 145, 140), (31, 160, 136), (40, 174, 128), (63, 188, 115)),
    *((94, 201, 98), (132, 212, 75), (173, 220, 48), (216, 226, 25), (253, 231, 37)),
)
TABLES = {SIGNED: SIGNED_COLOURS, NON_NEGATIVE: NON_NEGATIVE_COLOURS}
TABLE_SIZE = 256


def colour_table(name: str) -> np.ndarray:
    """uint8 [256, 3]: the table `SIGNED` or `NON_NEGATIVE`, from its lowest value to its highest."""
    colours = TABLES[name]
    positions = np.linspace(0, len(colours) - 1, TABLE_SIZE)
    channels = [np.interp(positions, range(len(colours)), values) for values in zip(*colours, strict=True)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)
