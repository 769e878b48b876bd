"""Images from files and to the shape a network takes, with PIL."""

import math
from pathlib import Path
from typing import BinaryIO, Literal, get_args

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from zoo.data.errors import DataError, short_message

Fit = Literal["resize", "pad"]
FITS = get_args(Fit)
Interpolation = Literal["bilinear", "bicubic"]


def read_image(path: str | Path) -> np.ndarray:
    """Decode a file to uint8 [height, width, 1 or 3], upright; DataError names one that cannot be decoded."""
    return decode_image(path, path)


def decode_image(file: str | Path | BinaryIO, name: str | Path) -> np.ndarray:
    """The same of an open file that can be sought; `name` is for the error."""
    # PIL's decoders raise whatever their format's parser raises, struct.error and SyntaxError included.
    try:
        with Image.open(file) as image:
            _refuse_bomb(image)
            return to_array(ImageOps.exif_transpose(image))
    except Exception as error:
        raise unreadable(name, error) from error


def check_header(path: str | Path) -> None:
    """Read an image's header only; DataError names a file that is no image, or far too large a one."""
    try:
        with Image.open(path) as image:
            _refuse_bomb(image)
    except Exception as error:
        raise unreadable(path, error) from error


def unreadable(path: str | Path, error: Exception) -> DataError:
    """The error of an image that PIL could not read, with its path."""
    # PIL's and the system's own messages repeat the path as a repr.
    if isinstance(error, UnidentifiedImageError):
        reason = "not an image"
    else:
        reason = getattr(error, "strerror", None) or short_message(error)
    return DataError(f"cannot read the image {path} ({reason}): replace or remove it")


def to_array(image: Image.Image) -> np.ndarray:
    """A PIL image of any mode as uint8 [height, width, 1 or 3]; alpha is dropped, 16 bits become 8."""
    if image.mode.startswith("I"):
        wide = np.asarray(image)
        # Mode I is what PIL makes of some 16-bit files; a value beyond 16 bits has no defined white.
        if wide.min() < 0 or wide.max() > 65535:
            raise DataError("32-bit grey values")
        return np.round(wide / 257).astype(np.uint8)[..., None]
    if image.mode == "F":
        raise DataError("floating-point grey values")
    if image.mode == "P":
        # Transparency in bytes survives only through RGBA, and PIL warns of anything else.
        image = image.convert("RGBA")
    mode = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
    pixels = np.array(image.convert(mode))
    return pixels[..., None] if mode == "L" else pixels


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
    torchvision's and timm's evaluation does; "pad" puts the image in the middle of zeros, shrinking it first where it
    is larger.
    """
    height, width, channels = image_shape
    image, mode = with_channels(image, channels), Image.Resampling[interpolation.upper()]
    return _pad(image, height, width, mode) if fit == "pad" else _cover(image, height, width, crop, mode)


def with_channels(image: np.ndarray, channels: int) -> np.ndarray:
    """Grey [h, w, 1] repeated to 3 channels, or RGB as a weighted sum to 1, as in PIL (ITU-R 601)."""
    if image.shape[2] == channels:
        return image
    if channels == 3:
        return np.repeat(image, 3, axis=2)
    return np.asarray(Image.fromarray(image).convert("L"))[..., None]


def _cover(image: np.ndarray, height: int, width: int, crop: float, mode: Image.Resampling) -> np.ndarray:
    # timm rounds the size before the crop down, and torchvision's CenterCrop its offset to even.
    covered = (max(side, math.floor(side / crop + 1e-6)) for side in (height, width))
    rows, columns = _covering_size(*image.shape[:2], *covered)
    image = _resize(image, rows, columns, mode)
    top, left = round((rows - height) / 2), round((columns - width) / 2)
    return image[top : top + height, left : left + width]


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


def _resize(image: np.ndarray, height: int, width: int, mode: Image.Resampling) -> np.ndarray:
    if image.shape[:2] == (height, width):
        return image
    # PIL knows grey as two dimensions only.
    squeezed = image[..., 0] if image.shape[2] == 1 else image
    resized = np.asarray(Image.fromarray(squeezed).resize((width, height), mode))
    return resized.reshape(height, width, image.shape[2])


def _refuse_bomb(image: Image.Image) -> None:
    # PIL only warns up to twice its limit.
    if Image.MAX_IMAGE_PIXELS and image.width * image.height > Image.MAX_IMAGE_PIXELS:
        raise DataError(f"{image.width} x {image.height} pixels are more than {Image.MAX_IMAGE_PIXELS}")
