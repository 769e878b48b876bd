"""What is read of an image: formats, bytes and pixels. A small file can claim any number of pixels and passes."""

from collections.abc import Callable
from typing import Any, BinaryIO

from PIL import Image, JpegImagePlugin

from zoo.data.errors import DataError

# The formats of photographs and pictures. Pillow knows others, some of which start a program (EPS) or expand without
# end (FITS). The most common come first, as Pillow imports the rarer decoders only for files of no earlier one.
FORMATS = ("JPEG", "PNG", "BMP", "DIB", "GIF", "PPM", "WEBP", "TIFF", "AVIF", "JPEG2000")
# Bytes.
MAX_FILE_SIZE = 240 * 10**6
# Bytes up to the pixels, by what is in a file at a position: metadata. Pillow copies those of JPEG and GIF again with
# each of their parts. WebP and AVIF are read whole.
MAX_HEADERS = ((0, b"\xff\xd8", 2**23), (0, b"GIF", 2**21), (0, b"RIFF", 10**8), (4, b"ftyp", 10**8), (0, b"", 2**25))
# Those of the largest full-frame cameras: seven bytes of memory per pixel. The other decoders hold copies of their own.
MAX_PIXELS = 61 * 10**6
MAX_PIXELS_OF = {"WEBP": 30 * 10**6, "AVIF": 30 * 10**6, "JPEG2000": 20 * 10**6, "HEIF": 51 * 10**6}
# Of a JPEG of one scan, as telephones write them: decoded at a half, a quarter or an eighth of its size, to MAX_PIXELS.
MAX_PIXELS_REDUCED = 250 * 10**6
REDUCTIONS = (2, 4, 8)
SMALL_FILE = min(limit for _, _, limit in MAX_HEADERS)
# A progressive JPEG is as large in each of its scans, of which there are about ten.
MAX_SCANNED_PIXELS = 2**31
SCAN = b"\xff\xda"
TILE_SIDES = 322, 323


class HeaderReader:
    """A file for Pillow, of which no more is read than a header may have, until `end_of_header`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._left = file, _header_limit(file)
        self.read: Callable[..., bytes] = self._read_header

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def _read_header(self, size: int = -1) -> bytes:
        data = self._file.read(size if 0 <= size <= self._left else self._left + 1)
        if len(data) > self._left:
            raise DataError("more metadata than an image has")
        self._left -= len(data)
        return data

    def end_of_header(self) -> None:
        """From now on, the file is read as it is."""
        self.read = self._file.read


def _header_limit(file: BinaryIO) -> int:
    start = file.read(8)
    file.seek(0)
    return next(limit for position, magic, limit in MAX_HEADERS if start.startswith(magic, position))


def reduce_large_jpeg(image: Image.Image, file: BinaryIO) -> None:
    """Have an opened JPEG of more than MAX_PIXELS decoded at a lower resolution, where that takes less memory.

    Raises DataError for one of more than MAX_PIXELS_REDUCED.
    """
    if not isinstance(image, JpegImagePlugin.JpegImageFile) or image.width * image.height <= MAX_PIXELS:
        return
    if image.width * image.height > MAX_PIXELS_REDUCED:
        raise DataError(f"{image.width} x {image.height} pixels are more than {MAX_PIXELS_REDUCED:,}")
    # Of several scans, the decoder holds all coefficients at full resolution.
    if image.info.get("progressive") or _components_of_first_scan(file) < image.layers:
        return
    scale = next(scale for scale in REDUCTIONS if image.width * image.height <= scale**2 * MAX_PIXELS)
    image.draft(None, (max(1, image.width // scale), max(1, image.height // scale)))


def _components_of_first_scan(file: BinaryIO) -> int:
    """How many components the first scan of a JPEG has; 0 where it is not found."""
    start, place, components = file.tell(), 2, 0
    while place < _header_limit(file):
        file.seek(place)
        marker = file.read(5)
        if len(marker) < 5 or marker[0] != SCAN[0]:
            break
        if marker[1] == SCAN[1]:
            components = marker[4]
            break
        # A marker may be padded with the byte that it begins with.
        place += 1 if marker[1] == SCAN[0] else 2 + int.from_bytes(marker[2:4], "big")
    file.seek(start)
    return components


def check_image(image: Image.Image, file: BinaryIO) -> None:
    """Raises DataError for an opened image, not loaded yet, that takes too much memory or time to decode."""
    pixels, limit = image.width * image.height, MAX_PIXELS_OF.get(image.format or "", MAX_PIXELS)
    if pixels > limit:
        raise DataError(f"{image.width} x {image.height} pixels are more than {limit:,}")
    if image.mode == "F":
        raise DataError("floating-point grey values")
    if image.format == "TIFF":
        _check_tiles(image, pixels)
    if image.info.get("progressive"):
        _check_scans(file, pixels)


def _check_tiles(image: Image.Image, pixels: int) -> None:
    """The decoder allocates a tile, whatever the size of the image."""
    width, height = (image.tag_v2.get(tag, 0) for tag in TILE_SIDES)  # type: ignore[attr-defined]
    if width * height > 4 * pixels + 2**20:
        raise DataError(f"tiles of {width} x {height} pixels for an image of {image.width} x {image.height}")


def _check_scans(file: BinaryIO, pixels: int) -> None:
    position = file.tell()
    file.seek(0)
    # Within the data of a scan, another byte follows each 0xff.
    scans = file.read().count(SCAN)
    file.seek(position)
    if scans * pixels > MAX_SCANNED_PIXELS:
        raise DataError(f"{scans} scans of {pixels:,} pixels each")
