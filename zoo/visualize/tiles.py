"""Arrays made fit to be looked at: signed values round grey, pieces cut out of images, nine of them in a square."""

import math
from collections.abc import Sequence

import numpy as np

from zoo.visualize.methods.receptive_boxes import patch

WHITE = 1.0
# What lies beyond an image's border.
BEYOND = 0.9
# A tile is enlarged to about so many pixels, by whole factors, so that the gap between tiles can be thin.
TILE = 72
GAP = 1 / 24
# Pixels a side that a cut shows at least.
SMALLEST = 9


def signed_to_colours(pixels: np.ndarray, saturating: float = 0.0) -> np.ndarray:
    """[height, width, 1 or 3] of any sign as colours 0..1: zero is mid-grey, the largest magnitude black or white.

    With `saturating` that share of what is not zero is black or white too, so that few large values do not leave all
    others grey.
    """
    magnitudes = np.abs(pixels)[pixels != 0]
    limit = np.quantile(magnitudes, 1 - saturating) if magnitudes.size else 1.0
    return colours(np.clip(0.5 + 0.5 * pixels / limit, 0, 1))


def uint8_to_colours(image: np.ndarray) -> np.ndarray:
    """uint8 [height, width, 1 or 3] as colours 0..1."""
    return colours(image / 255)


def colours(image: np.ndarray) -> np.ndarray:
    """Grey [height, width, 1] repeated to three channels."""
    return np.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else image


def limit_box(box: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """A box (top, left, bottom, right), along each axis the image's own extent where the box is no smaller."""
    top, left, bottom, right = (int(n) for n in box)
    if bottom - top >= shape[0]:
        top, bottom = 0, shape[0]
    if right - left >= shape[1]:
        left, right = 0, shape[1]
    return np.array([top, left, bottom, right])


def crop_box(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    """What a box holds of an image of colours, light grey beyond its borders."""
    return patch(image, limit_box(box, image.shape), fill=BEYOND)


def covers_image(box: np.ndarray, shape: Sequence[int]) -> bool:
    """Whether a box holds all of an image."""
    return limit_box(box, shape).tolist() == [0, 0, shape[0], shape[1]]


def empty_margin(pixels: np.ndarray, boxes: np.ndarray, share: float) -> int:
    """By how many pixels a side boxes [n, 4] of one size can shrink, and hold `share` of each picture's energy.

    `pixels` are [n, height, width, channel]; boxes may reach beyond them.
    """
    top, left, bottom, right = boxes[0]
    largest = max(0, (min(bottom - top, right - left) - SMALLEST) // 2)
    energies = np.square(pixels.astype(np.float64)).sum(axis=-1)
    return min(largest, *(_empty_rings(*pair, share) for pair in zip(energies, boxes, strict=True)))


def _empty_rings(energy: np.ndarray, box: np.ndarray, share: float) -> int:
    """How many rings of one pixel's width, from the box's border inward, hold no more than what `share` leaves."""
    top, left, bottom, right = box
    rows, columns = np.arange(energy.shape[0]), np.arange(energy.shape[1])
    down, across = np.minimum(rows - top, bottom - 1 - rows), np.minimum(columns - left, right - 1 - columns)
    ring = np.minimum(down[:, None], across)
    held = np.bincount(ring[ring >= 0], energy[ring >= 0])
    outside = np.cumsum(held)
    return int(np.searchsorted(outside, (1 - share) * outside[-1], side="right"))


def shrink_boxes(boxes: np.ndarray, margin: int) -> np.ndarray:
    """Boxes [..., 4] that are smaller by so many pixels a side."""
    return boxes + margin * np.array([1, 1, -1, -1])


def mosaic(tiles: Sequence[np.ndarray], columns: int = 3) -> np.ndarray:
    """Tiles of one size [height, width, 3] in rows, white between them and where there are none."""
    factor = max(1, round(TILE / max(tiles[0].shape[:2])))
    tiles = [tile.repeat(factor, axis=0).repeat(factor, axis=1) for tile in tiles]
    height, width, channels = tiles[0].shape
    gap = max(1, round(GAP * max(height, width)))
    rows = math.ceil(len(tiles) / columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, channels), WHITE)
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        top, left = row * (height + gap), column * (width + gap)
        sheet[top : top + height, left : left + width] = tile
    return sheet
