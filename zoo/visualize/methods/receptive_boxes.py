"""Receptive fields of single positions of a layer, as boxes in pixels."""

import math
from collections.abc import Callable
from fractions import Fraction

import flax.linen as nn
import numpy as np

from zoo.counting.records import Number, Row
from zoo.counting.summarize import summarize
from zoo.errors import ZooError


def receptive_boxes(
    model: nn.Module, image_shape: tuple[int, int, int], layer: str, positions: np.ndarray
) -> np.ndarray:
    """The receptive fields of `positions` [..., 2] of a layer: int [..., 4], (top, left, bottom, right).

    Bottom and right are exclusive. All boxes of a layer have one size (from `zoo.count`), so a box at the border
    reaches beyond the image, into the padding; `patch` crops such boxes. After a global operation, such as a gate of
    squeeze-and-excite, the box is the image. `image_shape` is (height, width, channels). Raises ZooError for a layer
    whose receptive field is unknown.
    """
    row = _last_operation(model, image_shape, layer)
    borders = [_borders(row, axis, image_shape[axis], np.asarray(positions)[..., axis]) for axis in (0, 1)]
    return np.stack([borders[0][0], borders[1][0], borders[0][1], borders[1][1]], axis=-1)


def patch(image: np.ndarray, box: np.ndarray, fill: float = 0.0) -> np.ndarray:
    """The part of an image [height, width, channel] in a box (top, left, bottom, right), `fill` outside of the image.

    The result has the size of the box.
    """
    top, left, bottom, right = (int(n) for n in box)
    rows, columns = np.arange(top, bottom), np.arange(left, right)
    row_inside, column_inside = (rows >= 0) & (rows < image.shape[0]), (columns >= 0) & (columns < image.shape[1])
    crop = np.full((len(rows), len(columns), image.shape[2]), fill, image.dtype)
    crop[np.ix_(row_inside, column_inside)] = image[np.ix_(rows[row_inside], columns[column_inside])]
    return crop


def _last_operation(model: nn.Module, image_shape: tuple[int, int, int], layer: str) -> Row:
    rows = summarize(model, (1, *image_shape)).under(layer)
    if not rows:
        raise ZooError(f"the receptive field of {layer} of {type(model).__name__} is unknown: it has no operations")
    return rows[-1]


def _borders(row: Row, axis: int, extent: int, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the boxes start and end along one axis of the image."""
    size, stride, centre = row.receptive_field[axis], row.effective_stride[axis], row.offset[axis]
    if size is None or stride is None or centre is None:
        return np.zeros_like(positions), np.full_like(positions, extent)
    first = centre - Fraction(size - 1, 2)
    return _to_pixels(first, stride, positions, math.floor), _to_pixels(first + size, stride, positions, math.ceil)


def _to_pixels(first: Number, stride: Number, positions: np.ndarray, rounding: Callable[[Number], int]) -> np.ndarray:
    """The border at each position, rounded to a pixel; at position 0 it is at `first`."""
    return np.vectorize(lambda position: rounding(first + int(position) * stride), otypes=[np.int64])(positions)
