"""Arrays for display: signed values as colours, crops of images, mosaics of tiles."""

import math
from collections.abc import Sequence

import numpy as np

from zoo.visualize.methods.receptive_boxes import patch

WHITE = 1.0
# The light grey outside of an image.
OUTSIDE_GREY = 0.9
# Tiles are enlarged to about this many pixels, by whole factors, so that the gap between them can be thin.
TILE_SIZE = 72
# Of the tile's size.
GAP_FRACTION = 1 / 24
# The smallest height and width of a crop, in pixels.
MIN_CROP_SIZE = 9


def signed_to_colours(pixels: np.ndarray, saturated_fraction: float = 0.0) -> np.ndarray:
    """Signed values [height, width, 1 or 3] as colours [height, width, 3] from 0 to 1.

    Zero is 0.5 (mid-grey), the largest magnitude is 0 or 1. With `saturated_fraction` this fraction of the values that
    are not zero is 0 or 1 as well, so that a few large values do not make all others grey.
    """
    magnitudes = np.abs(pixels)[pixels != 0]
    limit = np.quantile(magnitudes, 1 - saturated_fraction) if magnitudes.size else 1.0
    return _three_channels(np.clip(0.5 + 0.5 * pixels / limit, 0, 1))


def uint8_to_colours(image: np.ndarray) -> np.ndarray:
    """uint8 [height, width, 1 or 3] as colours [height, width, 3] from 0 to 1."""
    return _three_channels(image / 255)


def _three_channels(image: np.ndarray) -> np.ndarray:
    return np.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else image


def limit_box(box: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """The box (top, left, bottom, right), with the extent of the image along each axis where the box is not smaller.

    `shape` is (height, width, ...) of the image.
    """
    top, left, bottom, right = (int(n) for n in box)
    if bottom - top >= shape[0]:
        top, bottom = 0, shape[0]
    if right - left >= shape[1]:
        left, right = 0, shape[1]
    return np.array([top, left, bottom, right])


def crop_box(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The part of an image of colours in a box, light grey outside of the image."""
    return patch(image, limit_box(box, image.shape), fill=OUTSIDE_GREY)


def covers_image(box: np.ndarray, shape: Sequence[int]) -> bool:
    """Whether a box covers all of an image."""
    return limit_box(box, shape).tolist() == [0, 0, shape[0], shape[1]]


def empty_margin(pixels: np.ndarray, boxes: np.ndarray, kept_energy: float) -> int:
    """By how many pixels boxes [n, 4] of one size can shrink on each side and still keep a fraction of the energy.

    `pixels` are [n, height, width, channel]; the energy is the sum of squares within a box. Boxes may reach beyond the
    image. They keep at least `MIN_CROP_SIZE` pixels.
    """
    top, left, bottom, right = boxes[0]
    largest = max(0, (min(bottom - top, right - left) - MIN_CROP_SIZE) // 2)
    energies = np.square(pixels.astype(np.float64)).sum(axis=-1)
    return min(largest, *(_empty_rings(*pair, kept_energy) for pair in zip(energies, boxes, strict=True)))


def _empty_rings(energy: np.ndarray, box: np.ndarray, kept_energy: float) -> int:
    """The number of outer rings of a box, one pixel wide, that can be removed."""
    top, left, bottom, right = box
    rows, columns = np.arange(energy.shape[0]), np.arange(energy.shape[1])
    from_top_or_bottom = np.minimum(rows - top, bottom - 1 - rows)
    from_left_or_right = np.minimum(columns - left, right - 1 - columns)
    ring = np.minimum(from_top_or_bottom[:, None], from_left_or_right)
    removed = np.cumsum(np.bincount(ring[ring >= 0], energy[ring >= 0]))
    return int(np.searchsorted(removed, (1 - kept_energy) * removed[-1], side="right"))


def shrink_boxes(boxes: np.ndarray, margin: int) -> np.ndarray:
    """Boxes [..., 4] without `margin` pixels on each side."""
    return boxes + margin * np.array([1, 1, -1, -1])


def mosaic(tiles: Sequence[np.ndarray], columns: int = 3) -> np.ndarray:
    """Tiles of one size [height, width, 3] in rows of `columns`, with white gaps."""
    factor = max(1, round(TILE_SIZE / max(tiles[0].shape[:2])))
    tiles = [tile.repeat(factor, axis=0).repeat(factor, axis=1) for tile in tiles]
    height, width, channels = tiles[0].shape
    gap = max(1, round(GAP_FRACTION * max(height, width)))
    rows = math.ceil(len(tiles) / columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, channels), WHITE)
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        top, left = row * (height + gap), column * (width + gap)
        sheet[top : top + height, left : left + width] = tile
    return sheet
