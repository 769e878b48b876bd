"""Which part of the image a place of a layer sees, as boxes in pixels."""

import math
from collections.abc import Callable
from fractions import Fraction

import flax.linen as nn
import numpy as np

from zoo.counting.records import Number, Row
from zoo.counting.summarize import summarize
from zoo.errors import ZooError


def receptive_boxes(model: nn.Module, image_shape: tuple[int, int, int], layer: str, places: np.ndarray) -> np.ndarray:
    """int [..., 4], (top, left, bottom, right) of what places [..., 2] of a layer see; the ends are exclusive.

    From `zoo.count`: of one size for all places of a layer, so a box at the border reaches beyond the image, by what
    the network pads it with (`patch` cuts it out). Where a layer sees all of the image, as after a gate of
    squeeze-and-excite, it is the image. `image_shape` is (height, width, channels).
    """
    row = _row(model, image_shape, layer)
    sides = [_side(row, axis, image_shape[axis], np.asarray(places)[..., axis]) for axis in (0, 1)]
    return np.stack([sides[0][0], sides[1][0], sides[0][1], sides[1][1]], axis=-1)


def patch(image: np.ndarray, box: np.ndarray, fill: float = 0.0) -> np.ndarray:
    """What a box (top, left, bottom, right) holds of an image [height, width, channel]; `fill` beyond the borders."""
    top, left, bottom, right = (int(n) for n in box)
    places = np.arange(top, bottom), np.arange(left, right)
    rows, columns = ((axis >= 0) & (axis < n) for axis, n in zip(places, image.shape, strict=False))
    cut = np.full((*map(len, places), image.shape[2]), fill, image.dtype)
    cut[np.ix_(rows, columns)] = image[np.ix_(places[0][rows], places[1][columns])]
    return cut


def _row(model: nn.Module, image_shape: tuple[int, int, int], layer: str) -> Row:
    """The last operation of the layer."""
    rows = summarize(model, (1, *image_shape)).under(layer)
    if not rows:
        raise ZooError(f"what {layer} of {type(model).__name__} sees is not known: it does nothing to its input")
    return rows[-1]


def _side(row: Row, axis: int, extent: int, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the boxes begin and end along one axis of the image."""
    size, stride, centre = row.receptive_field[axis], row.effective_stride[axis], row.offset[axis]
    if size is None or stride is None or centre is None:
        return np.zeros_like(places), np.full_like(places, extent)
    first = centre - Fraction(size - 1, 2)
    return _whole(first, stride, places, math.floor), _whole(first + size, stride, places, math.ceil)


def _whole(first: Number, stride: Number, places: np.ndarray, rounded: Callable[[Number], int]) -> np.ndarray:
    """The pixels of a border that lies at `first` for place 0."""
    return np.vectorize(lambda place: rounded(first + int(place) * stride), otypes=[np.int64])(places)
