"""Images to the shape that a network takes: scaled with PIL and cropped, or padded."""

import math
from typing import get_args

import numpy as np
from PIL import Image

from zoo.runtime.record_types import Fit, Interpolation

FITS = get_args(Fit)

# Of an image far from square only the part that is kept is scaled: where the whole would have more than this many times
# its pixels. The whole is scaled otherwise, as torchvision and timm do: PIL has a part's box in float32, which moves
# some values by one.
MAX_SCALED = 16


def fit_image(
    image: np.ndarray,
    image_shape: tuple[int, int, int],
    fit: Fit = "resize",
    *,
    crop: float = 1.0,
    interpolation: Interpolation = "bilinear",
) -> np.ndarray:
    """Bring uint8 [h, w, 1 or 3] to `image_shape` (height, width, channels), scaled with PIL's antialiasing.

    "resize" scales until the image covers the target divided by `crop`, and cuts the target out of its centre, as
    torchvision's and timm's evaluation does; "squash" scales height and width to those of the target divided by `crop`,
    whatever the image's aspect ratio, and cuts out the centre, as timm's `crop_mode="squash"`; "pad" puts the image in
    the middle of zeros, shrinking it first where it is larger.
    """
    height, width, channels = image_shape
    mode = Image.Resampling[interpolation.upper()]
    image = with_channels(image, min(channels, image.shape[2]))
    if fit == "pad":
        fitted = _pad(image, height, width, mode)
    elif fit == "squash":
        fitted = _centre(_resize(image, *size_before_crop(height, width, crop), mode), height, width)
    else:
        fitted = _cover(image, height, width, crop, mode)
    return with_channels(fitted, channels)


def size_before_crop(height: int, width: int, crop: float) -> tuple[int, int]:
    """The (height, width) that an image is scaled to cover, or to have, before `height` and `width` are cut out.

    Rounded down as in timm, but not for a rounding error of the division.
    """
    return max(height, math.floor(height / crop + 1e-6)), max(width, math.floor(width / crop + 1e-6))


def with_channels(image: np.ndarray, channels: int) -> np.ndarray:
    """Grey [h, w, 1] repeated to 3 channels, or RGB as a weighted sum to 1, as in PIL (ITU-R 601)."""
    if image.shape[2] == channels:
        return image
    if channels == 3:
        return np.repeat(image, 3, axis=2)
    return np.asarray(Image.fromarray(image).convert("L"))[..., None]


def _cover(image: np.ndarray, height: int, width: int, crop: float, mode: Image.Resampling) -> np.ndarray:
    tall, wide = size_before_crop(height, width, crop)
    rows, columns = _covering_size(image.shape[0], image.shape[1], tall, wide)
    if rows * columns > MAX_SCALED * height * width:
        # One axis after the other, in the order in which PIL scales a whole image.
        top, left = _start_of_centre(rows, height), _start_of_centre(columns, width)
        image = _resize_part(image, 1, columns, left, width, mode)
        return _resize_part(image, 0, rows, top, height, mode)
    return _centre(_resize(image, rows, columns, mode), height, width)


def _centre(image: np.ndarray, height: int, width: int) -> np.ndarray:
    top, left = _start_of_centre(image.shape[0], height), _start_of_centre(image.shape[1], width)
    return image[top : top + height, left : left + width]


def _start_of_centre(side: int, length: int) -> int:
    # As in torchvision's CenterCrop, half a pixel is rounded to the even one.
    return round((side - length) / 2)


def _resize_part(
    image: np.ndarray, axis: int, size: int, start: int, length: int, mode: Image.Resampling
) -> np.ndarray:
    """The image scaled to `size` along an axis, and of that the `length` pixels from `start`."""
    scale = image.shape[axis] / size
    part = start * scale, min((start + length) * scale, image.shape[axis])
    if axis:
        return _resize(image, image.shape[0], length, mode, (part[0], 0, part[1], image.shape[0]))
    return _resize(image, length, image.shape[1], mode, (0, part[0], image.shape[1], part[1]))


def _covering_size(rows: int, columns: int, height: int, width: int) -> tuple[int, int]:
    """The smallest size of the image's aspect that covers the target, with timm's rounding."""
    if height == width:
        # torchvision's Resize, which timm uses for squares alone.
        short = min(rows, columns)
        return rows * height // short, columns * height // short
    ratio = min(rows / height, columns / width)
    return round(rows / ratio), round(columns / ratio)


def _pad(image: np.ndarray, height: int, width: int, mode: Image.Resampling) -> np.ndarray:
    scale = min(height / image.shape[0], width / image.shape[1])
    if scale < 1:
        image = _resize(image, max(1, round(image.shape[0] * scale)), max(1, round(image.shape[1] * scale)), mode)
    top, left = (height - image.shape[0]) // 2, (width - image.shape[1]) // 2
    padded = np.zeros((height, width, image.shape[2]), np.uint8)
    padded[top : top + image.shape[0], left : left + image.shape[1]] = image
    return padded


def _resize(
    image: np.ndarray,
    height: int,
    width: int,
    mode: Image.Resampling,
    box: tuple[float, float, float, float] | None = None,
) -> np.ndarray:
    """The image, or the part of it in the box (left, top, right, bottom), scaled to this size."""
    if image.shape[:2] == (height, width) and not box:
        return image
    # PIL knows grey as two dimensions only.
    squeezed = image[..., 0] if image.shape[2] == 1 else image
    resized = np.asarray(Image.fromarray(squeezed).resize((width, height), mode, box))
    return resized.reshape(height, width, image.shape[2])
