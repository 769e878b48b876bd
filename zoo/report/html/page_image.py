"""Arrays as images within the page: data URIs, small, on a background of any colour."""

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

# An image of at most so many pixels is kept exactly, as a PNG; what is larger is a photograph's WebP.
EXACT = 10_000
QUALITY = 80
# Nine colours of matplotlib's viridis, evenly chosen: of one hue after the other, and ever lighter.
VIRIDIS = ((68, 1, 84), (71, 44, 122), (59, 81, 139), (44, 113, 142), (33, 144, 141), (39, 173, 129), (92, 200, 99),
           (170, 220, 50), (253, 231, 37))  # fmt: skip


@dataclass(frozen=True)
class Raster:
    """An image of the page: its address with all its bytes, its size in pixels, and what it shows, in words.

    `pixelated` images are enlarged by whole pixels.
    """

    uri: str
    width: int
    height: int
    alt: str
    pixelated: bool


def raster(image: np.ndarray, alt: str, *, most: int | None = None) -> Raster:
    """uint8 [height, width, 1 to 4], grey or colours with or without opacity, as an image of the page.

    One with a side of more than `most` pixels is made smaller.
    """
    made = _image(image if most is None else smaller(image, most))
    exact = made.width * made.height <= EXACT
    return _encoded(made, alt, exact)


def smaller(image: np.ndarray, most: int) -> np.ndarray:
    """uint8 [height, width, channels] with no side of more than `most` pixels."""
    if max(image.shape[:2]) <= most:
        return image
    made = _image(image)
    made.thumbnail((most, most), Image.Resampling.LANCZOS)
    return np.asarray(made).reshape(*made.size[::-1], -1)


def as_bytes(colours: np.ndarray, channels: int) -> np.ndarray:
    """Colours 0..1 [height, width, 3] as uint8 of so many channels: one where all three are equal."""
    return np.uint8(np.clip(colours[..., :channels], 0, 1) * 255 + 0.5)


def heat(values: np.ndarray, alt: str, *, high: float, most: int | None = None) -> Raster:
    """[height, width] from zero to `high`, dark to yellow; what is negative is as dark as zero."""
    image = Image.fromarray(np.uint8(np.clip(values / (high or 1.0), 0, 1) * 255 + 0.5))
    if most and max(image.size) > most:
        image.thumbnail((most, most), Image.Resampling.BOX)
    image.putpalette(_palette())
    return _encoded(image, alt, exact=True)


def tiled(tiles: Sequence[np.ndarray], columns: int, gap: int = 1) -> np.ndarray:
    """Tiles uint8 [height, width, 2 or 4], of one size, in rows, with nothing at all between them."""
    height, width, channels = tiles[0].shape
    rows = math.ceil(len(tiles) / columns)
    columns = min(columns, len(tiles))
    sheet = np.zeros((rows * (height + gap) - gap, columns * (width + gap) - gap, channels), np.uint8)
    for index, tile in enumerate(tiles):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        sheet[top : top + height, left : left + width] = tile
    return sheet


def opaque(image: np.ndarray) -> np.ndarray:
    """uint8 [height, width, 1 or 3] with an opacity, of which there is all."""
    return np.concatenate([image, np.full_like(image[..., :1], 255)], axis=-1)


def _image(array: np.ndarray) -> Image.Image:
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)


def _encoded(image: Image.Image, alt: str, exact: bool) -> Raster:
    buffer, form = io.BytesIO(), "png" if exact else "webp"
    image.save(buffer, **({"format": "PNG", "optimize": True} if exact else {"format": "WEBP", "quality": QUALITY}))
    uri = f"data:image/{form};base64,{base64.b64encode(buffer.getvalue()).decode()}"
    return Raster(uri, image.width, image.height, alt, exact)


def _palette() -> bytes:
    places = np.linspace(0, len(VIRIDIS) - 1, 256)
    channels = [np.interp(places, range(len(VIRIDIS)), values) for values in zip(*VIRIDIS, strict=True)]
    return np.stack(channels, axis=-1).round().astype(np.uint8).tobytes()
