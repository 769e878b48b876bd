"""Random crops cut from the original images, in one pass: decoded no finer than needed, cut, scaled and flipped."""

import math
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from zoo.data.crops import Box, RandomCrop
from zoo.data.dataset import Example, Source
from zoo.data.decoding import SWAPPING_SIDES, naming, open_image, orientation_of, to_8_bits
from zoo.runtime.regular_file import open_regular

# A JPEG is decoded at a lower resolution where each side of the part has this many times the needed pixels even then:
# values of photographs differ by 0.1 grey levels on average, and at sharp edges by up to ten.
FINER = 3
REDUCTIONS = (8, 4, 2)
# Pixels beside a part on which its own depend: bicubic interpolation reads two.
SUPPORT = 2

TURN_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# By the EXIF orientation: whether the stored image is the upright one upside down, and left to right.
ROWS_REVERSED = (3, 4, 7, 8)
COLUMNS_REVERSED = (2, 3, 6, 7)


def read_example(source: Source, index: int, crop: RandomCrop | None) -> Example:
    """An example, with the crop of its image. A source of encoded images may have a `cropped` for that."""
    if crop is None:
        return source[index]
    cropped = getattr(source, "cropped", None)
    if cropped is not None:
        return cropped(index, crop)
    example = source[index]
    return {"image": crop_array(example["image"], crop), "label": example["label"]}


def read_crop(path: Path, crop: RandomCrop) -> np.ndarray:
    """The crop of an image file, uint8 [height, width, 1 or 3]; DataError names one that cannot be decoded."""
    with naming(path), open_regular(path) as file:
        return decode_crop(file.read(), crop)


def crop_array(image: np.ndarray, crop: RandomCrop) -> np.ndarray:
    """The crop of uint8 [height, width, 1 or 3]."""
    squeezed = image[..., 0] if image.shape[2] == 1 else image
    return _array(_cut(Image.fromarray(squeezed), crop, crop.box(*image.shape[:2]), crop.crops.size), crop)


def decode_crop(encoded: bytes, crop: RandomCrop) -> np.ndarray:
    """The crop of an encoded image, turned upright, without a name for the error: raises whatever PIL raises."""
    with open_image(BytesIO(encoded)) as image:
        # The orientation of other formats is known when they are decoded.
        if image.format != "JPEG":
            image.load()
        orientation = orientation_of(image, type(image).getexif)
        height, width = image.size if orientation in SWAPPING_SIDES else image.size[::-1]
        box, size = _as_stored(crop.box(height, width), (height, width), crop.crops.size, orientation)
        if image.format == "JPEG":
            box = _reduce(image, box, size)
            image.load()
        cut = _cut(image, crop, box, size)
        turn = TURN_UPRIGHT.get(orientation)
        return _array(cut if turn is None else cut.transpose(turn), crop)


def _array(cut: Image.Image, crop: RandomCrop) -> np.ndarray:
    if crop.flip:
        cut = cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return np.asarray(cut).reshape(cut.height, cut.width, -1)


def _as_stored(
    box: Box, image: tuple[int, int], size: tuple[int, int], orientation: int
) -> tuple[Box, tuple[int, int]]:
    """The box of an upright image, and the size (height, width) that it gets, in the image as it is stored."""
    top = image[0] - box.top - box.height if orientation in ROWS_REVERSED else box.top
    left = image[1] - box.left - box.width if orientation in COLUMNS_REVERSED else box.left
    if orientation in SWAPPING_SIDES:
        return Box(left, top, box.width, box.height), size[::-1]
    return Box(top, left, box.height, box.width), size


def _reduce(image: Image.Image, box: Box, size: tuple[int, int]) -> Box:
    """Have a JPEG decoded at a lower resolution where that is fine enough; the box in pixels of what is decoded."""
    for scale in REDUCTIONS:
        is_fine = min(box.height / size[0], box.width / size[1]) >= scale * FINER
        # One that is reduced already, since it is too large, cannot be reduced again.
        if is_fine and not getattr(image, "decoderconfig", ()):
            image.draft(None, (max(1, image.width // scale), max(1, image.height // scale)))
            return Box(*(side / scale for side in box))
    return box


def _cut(image: Image.Image, crop: RandomCrop, box: Box, size: tuple[int, int]) -> Image.Image:
    """The box of an image in mode L or RGB, scaled to `size` (height, width)."""
    margin = 0
    if not crop.is_cut_first:
        margin = math.ceil(SUPPORT * max(1, box.height / size[0], box.width / size[1])) + 1
    top, left = (max(0, math.floor(start) - margin) for start in (box.top, box.left))
    bottom = min(image.height, math.ceil(box.top + box.height) + margin)
    right = min(image.width, math.ceil(box.left + box.width) + margin)
    # Whether values are beyond 16 bits, all pixels say.
    if image.mode.startswith("I"):
        image = to_8_bits(image)
    part = to_8_bits(image.crop((left, top, right, bottom)))
    # A sum of numbers with fractions may be beyond the border, which PIL refuses.
    inner = (
        box.left - left,
        box.top - top,
        min(box.left - left + box.width, part.width),
        min(box.top - top + box.height, part.height),
    )
    mode = Image.Resampling[crop.crops.interpolation.upper()]
    return part.resize(size[::-1], mode, inner)
