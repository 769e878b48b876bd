"""Several views of an image for testing: its mirror image, ten crops, or the 144 crops of GoogLeNet."""

from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from PIL import Image

from zoo.data.crops import Box
from zoo.data.errors import DataError
from zoo.data.fitting import with_channels
from zoo.data.preprocessing import Preprocessing

# How many views of an image are averaged: its centre; with the mirror image; four corners and the centre with mirror
# images (Krizhevsky et al. 2012, section 4.1); four scales, three squares, six crops and mirror images (Szegedy et al.
# 2014, section 7).
Views = Literal[1, 2, 10, 144]
VIEWS: tuple[Views, ...] = (1, 2, 10, 144)
# Of images that are 224 pixels high and wide: the shorter side that ten crops are cut from, where the preprocessing
# leaves no border, and those of GoogLeNet.
NATIVE, TEN_CROPS_SIDE, GOOGLENET_SIDES = 224, 256, (256, 288, 320, 352)


@dataclass(frozen=True, kw_only=True)
class StackedViews(Preprocessing):
    """Preprocessing of the `views` of an image, one below the other; mirror images are left out.

    `image_shape` is that of all together.
    """

    views: Views

    def fitted(self, image: np.ndarray) -> np.ndarray:
        """uint8 [height, width, 1 or 3] as uint8 [views x height, width, channels]."""
        _, size, channels = self.image_shape
        height, width, _ = image.shape
        boxes = self._boxes(height, width)
        picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
        mode = Image.Resampling[self.interpolation.upper()]
        crops = [np.asarray(picture.resize((size, size), mode, _corners(box, height, width))) for box in boxes]
        return with_channels(np.concatenate(crops).reshape(self.image_shape[0], size, -1), channels)

    def _boxes(self, height: int, width: int) -> list[Box]:
        size = self.image_shape[1]
        if self.views == 144:
            return googlenet_boxes(height, width, size)
        if self.fit == "squash":
            # The whole image becomes the square that others have in their centre.
            unit = ten_boxes(1, 1, size, self.crop)
            return [Box(box.top * height, box.left * width, box.height * height, box.width * width) for box in unit]
        return ten_boxes(height, width, size, self.crop)


def stacked_views(preprocessing: Preprocessing, views: Views) -> Preprocessing:
    """The preprocessing whose images are all views but mirror images, one below the other.

    Raises DataError for a number that is none of VIEWS, for crops of what is padded or not square, and for GoogLeNet's
    of what is squashed, as they are of squares along an image's longer side.
    """
    if views not in VIEWS:
        raise DataError(f"views is {views}: it is one of {', '.join(map(str, VIEWS))}")
    if views <= 2:
        return preprocessing
    height, width, channels = preprocessing.image_shape
    if preprocessing.fit == "pad" or height != width:
        raise DataError(f"{views} crops are of square images without padding: these weights allow 1 or 2 views")
    if preprocessing.fit == "squash" and views == 144:
        raise DataError(f"{views} crops keep the aspect ratio, which these weights do not: use 1, 2 or 10 views")
    fields = {**asdict(preprocessing), "image_shape": (views // 2 * height, width, channels)}
    return StackedViews(**fields, views=views)


def split_views(images: np.ndarray, image_shape: tuple[int, int, int], views: Views) -> list[np.ndarray]:
    """Of stacked images [batch, ...] each view, uint8 [batch, height, width, channel], with mirror images."""
    height = image_shape[0]
    parts = [images[:, top : top + height] for top in range(0, images.shape[1], height)]
    return parts if views == 1 else [view for part in parts for view in (part, part[:, :, ::-1])]


def ten_boxes(height: int, width: int, size: int, crop: float) -> list[Box]:
    """The parts of an image that are ten crops of `size`: the corners and the centre of its central square.

    The square is scaled to `size` / `crop`, or for a crop of more than 224/256 as to 256 pixels for 224.
    """
    side = round(size / min(crop, NATIVE / TEN_CROPS_SIDE))
    short = min(height, width)
    return _five_boxes((height - short) / 2, (width - short) / 2, short, side, size)


def googlenet_boxes(height: int, width: int, size: int) -> list[Box]:
    """The 72 parts of an image that GoogLeNet saw, scaled to `size`, besides mirror images.

    Of the image with a shorter side of 256, 288, 320 and 352 pixels for 224: the left, central and right square, or
    the top, central and bottom one; of each the corners, the centre, and the whole square.
    """
    short, boxes = min(height, width), []
    for scale in GOOGLENET_SIDES:
        side = round(size * scale / NATIVE)
        for place in (0, 0.5, 1):
            top, left = place * (height - short), place * (width - short)
            boxes += [*_five_boxes(top, left, short, side, size), Box(top, left, short, short)]
    return boxes


def _five_boxes(top: float, left: float, short: int, side: int, size: int) -> list[Box]:
    """The corners and the centre of a square of `short` pixels, which is scaled to `side`, as parts of `size`."""
    unit, free = short / side, side - size
    corners = [(0, 0), (0, free), (free, 0), (free, free), (free // 2, free // 2)]
    return [Box(top + row * unit, left + column * unit, size * unit, size * unit) for row, column in corners]


def _corners(box: Box, height: int, width: int) -> tuple[float, float, float, float]:
    # A sum of numbers with fractions may be beyond the border, which PIL refuses.
    return box.left, box.top, min(box.left + box.width, width), min(box.top + box.height, height)
