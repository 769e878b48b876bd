"""Images from files, with PIL."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import SEEK_END
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import ExifTags, Image, JpegImagePlugin, TiffImagePlugin, UnidentifiedImageError

from zoo.data.errors import DataError
from zoo.data.image_limits import FORMATS, MAX_FILE_SIZE, SMALL_FILE, HeaderReader, check_image, reduce_large_jpeg
from zoo.data.optional_formats import HEIC, MissingDecoder, check_available, open_heic, optional_format
from zoo.printable import one_line
from zoo.runtime.regular_file import open_regular
from zoo.runtime.system_errors import reason

JPEG_START = b"\xff\xd8\xff"
# Larger images are converted in parts.
PART_PIXELS = 2**20


def read_image(path: str | Path) -> np.ndarray:
    """Decode a file to uint8 [height, width, 1 or 3], upright; DataError names one that cannot be decoded."""
    with naming(path), open_regular(path) as file:
        return decode(file)


def read_thumbnail(path: str | Path, side: int) -> np.ndarray:
    """As `read_image`; a JPEG at a lower resolution, of at least `side` pixels. All of the file is decoded."""
    with naming(path), open_regular(path) as file:
        return decode(file, side)


def decode_image(file: BinaryIO, name: str | Path) -> np.ndarray:
    """The same of an open file that can be sought; `name` is for the error."""
    with naming(name):
        return decode(file)


def read_shape(path: str | Path) -> tuple[int, int, int]:
    """(height, width, 1 or 3) of `read_image`'s result, from the file's header alone; DataError where it has none."""
    with naming(path), open_regular(path) as file:
        return header_shape(file)


def decode(file: BinaryIO, side: int | None = None) -> np.ndarray:
    """`decode_image` without a name for the error: raises whatever PIL's decoders raise; `side` as `read_thumbnail`."""
    with open_image(file) as image:
        if side and image.format == "JPEG":
            image.draft(None, (side, side))
        # First of all: what fails here must not fail unseen, within the search for metadata.
        image.load()
        return to_array(image, orientation_of(image, type(image).getexif))


def header_shape(file: BinaryIO) -> tuple[int, int, int]:
    """`read_shape` without a name for the error: raises whatever PIL's decoders raise."""
    with open_image(file) as image:
        # PngImageFile.getexif decodes the whole image, in search of metadata behind the pixels.
        turned = orientation_of(image, Image.Image.getexif) in SWAPPING_SIDES
        size = _stored_size(image)
        width, height = size[::-1] if turned else size
        return height, width, 1 if _is_grey(image.mode) else 3


@contextmanager
def open_image(file: BinaryIO) -> Iterator[Image.Image]:
    """A PIL image whose pixels are not decoded yet; a JPEG of too many pixels has fewer. Raises DataError."""
    size = file.seek(0, SEEK_END)
    if size > MAX_FILE_SIZE:
        raise DataError(f"it has more than {MAX_FILE_SIZE // 10**6} MB")
    file.seek(0)
    # A file that is smaller than any limit of headers is read as it is, which is faster.
    limited: Any = HeaderReader(file) if size > SMALL_FILE else file
    with _opened(limited) as image:
        if isinstance(limited, HeaderReader):
            limited.end_of_header()
        reduce_large_jpeg(image, file)
        check_image(image, file)
        yield image


def _opened(file: BinaryIO) -> Image.Image:
    check_available(found := optional_format(file))
    if found is HEIC:
        return open_heic(file)
    if file.read(len(JPEG_START)) != JPEG_START:
        return Image.open(file, formats=FORMATS)
    file.seek(0)
    # Image.open warns of, and refuses, photographs that are read at a lower resolution here.
    try:
        return JpegImagePlugin.JpegImageFile(file)
    except SyntaxError as error:
        raise UnidentifiedImageError(str(error)) from error


@contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """Errors of PIL in this context are a DataError with the path."""
    # PIL's decoders raise whatever their format's parser raises, struct.error and SyntaxError included.
    try:
        yield
    except Exception as error:
        raise unreadable(path, error) from error


def unreadable(path: str | Path, error: Exception) -> DataError:
    """The error of an image that PIL could not read, with its path."""
    if isinstance(error, OSError) and error.errno:
        return DataError(f"cannot read the image {path}: {reason(error)}")
    if isinstance(error, MissingDecoder):
        return DataError(f"cannot read the image {path}: {error}")
    # PIL's own message repeats the path as a repr.
    problem = "not an image" if isinstance(error, UnidentifiedImageError) else one_line(error)
    return DataError(f"cannot read the image {path} ({problem}): replace it")


def pil_to_array(image: Image.Image) -> np.ndarray:
    """A PIL image as uint8 [height, width, 1 or 3], upright as `read_image` gives the file; DataError if it cannot."""
    with naming(getattr(image, "filename", "") or "of PIL"):
        image.load()
        return to_array(image, orientation_of(image, type(image).getexif))


def to_array(image: Image.Image, orientation: int = 1) -> np.ndarray:
    """A PIL image of any mode as uint8 [height, width, 1 or 3]; alpha is dropped, 16 bits become 8.

    The EXIF orientation says how it is turned upright. Raises DataError for grey values without a defined white.
    """
    height, width = image.size if orientation in SWAPPING_SIDES else image.size[::-1]
    pixels = np.empty((height, width, 1 if _is_grey(image.mode) else 3), np.uint8)
    # The same memory, as it is stored in the file.
    stored = _STORED[orientation](pixels) if orientation in _STORED else pixels
    # Converted in parts, so that a large image is in memory only twice.
    rows = max(1, PART_PIXELS // image.width)
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        whole = bottom - top == image.height
        part = image if whole else image.crop((0, top, image.width, bottom))
        stored[top:bottom] = np.asarray(to_8_bits(part)).reshape(bottom - top, image.width, -1)
    return pixels


def to_8_bits(image: Image.Image) -> Image.Image:
    """The image in mode L or RGB; alpha is dropped. Raises DataError for grey values without a defined white."""
    if image.mode.startswith("I"):
        wide = np.asarray(image)
        # Mode I is what PIL makes of some 16-bit files; a value beyond 16 bits has no defined white.
        if wide.min() < 0 or wide.max() > 65535:
            raise DataError("32-bit grey values")
        return Image.fromarray(np.round(wide / 257).astype(np.uint8))
    if image.mode in ("P", "PA", "RGBa"):
        # Transparency in bytes survives only through RGBA, and PIL warns of anything else.
        image = image.convert("RGBA")
    mode = "L" if _is_grey(image.mode) else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _is_grey(mode: str) -> bool:
    return mode in ("1", "L", "LA", "La", "F") or mode.startswith("I")


# An upright array as it is stored, by the EXIF orientation: the inverse of what turns the image upright.
_STORED: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: upright[:, ::-1].swapaxes(0, 1),
    7: lambda upright: upright[::-1, ::-1].swapaxes(0, 1),
    8: lambda upright: upright[::-1].swapaxes(0, 1),
}
SWAPPING_SIDES = (5, 6, 7, 8)


def _stored_size(image: Image.Image) -> tuple[int, int]:
    """(width, height) before the image is turned upright. PIL gives that of a TIFF file as it is afterwards."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return image.tag_v2[TiffImagePlugin.IMAGEWIDTH], image.tag_v2[TiffImagePlugin.IMAGELENGTH]
    return image.size


def orientation_of(image: Image.Image, getexif: Callable[[Image.Image], Image.Exif]) -> int:
    """The EXIF orientation, 1 to 8; 1, which is upright, where the metadata cannot be read."""
    # A parser of metadata raises anything, and the pixels are good without it.
    try:
        return int(getexif(image).get(ExifTags.Base.Orientation, 1))
    except Exception:
        return 1
