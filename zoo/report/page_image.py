"""Arrays as images inside the page: data URIs, small, for a background of any colour."""

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from zoo.visualize.colour_tables import NON_NEGATIVE, colour_table

# Images of at most this many pixels are kept exactly, as PNG; larger ones are photographs and become WebP.
MAX_PNG_PIXELS = 10_000
WEBP_QUALITY = 80


@dataclass(frozen=True)
class PageImage:
    """An image of the page: its data URI, its size in pixels, and a text for readers who do not see it.

    `pixelated` images are enlarged by whole factors, without interpolation.
    """

    uri: str
    width: int
    height: int
    alt: str
    pixelated: bool


def embed_image(image: np.ndarray, alt: str, *, max_side: int | None = None) -> PageImage:
    """uint8 [height, width, 1 to 4] as an image of the page: grey or RGB, with or without alpha.

    With `max_side` it is shrunk to at most this many pixels in height and width.
    """
    made = _from_array(image if max_side is None else shrink(image, max_side))
    return _encode(made, alt, as_png=made.width * made.height <= MAX_PNG_PIXELS)


def embed_heat_map(values: np.ndarray, alt: str, *, high: float, max_side: int | None = None) -> PageImage:
    """[height, width] in the colours of viridis: dark is zero and less, yellow is `high` and more."""
    image = Image.fromarray(np.uint8(np.clip(values / (high or 1.0), 0, 1) * 255 + 0.5))
    if max_side and max(image.size) > max_side:
        image.thumbnail((max_side, max_side), Image.Resampling.BOX)
    image.putpalette(colour_table(NON_NEGATIVE).tobytes())
    return _encode(image, alt, as_png=True)


def shrink(image: np.ndarray, max_side: int) -> np.ndarray:
    """uint8 [height, width, channels] with at most `max_side` pixels in height and width, in proportion."""
    if max(image.shape[:2]) <= max_side:
        return image
    made = _from_array(image)
    made.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    return np.asarray(made).reshape(*made.size[::-1], -1)


def to_uint8(colours: np.ndarray, channels: int) -> np.ndarray:
    """Colours 0..1 [height, width, 3] as uint8 [height, width, channels]; 1 channel if all three are equal."""
    return (np.clip(colours[..., :channels], 0, 1) * 255 + 0.5).astype(np.uint8)


def add_alpha(image: np.ndarray) -> np.ndarray:
    """uint8 [height, width, 1 or 3] with an alpha channel, opaque everywhere."""
    return np.concatenate([image, np.full_like(image[..., :1], 255)], axis=-1)


def tile_images(tiles: Sequence[np.ndarray], columns: int, gap: int = 1) -> np.ndarray:
    """Tiles uint8 [height, width, 2 or 4] of one size, in rows; the gaps are transparent."""
    height, width, channels = tiles[0].shape
    rows = math.ceil(len(tiles) / columns)
    columns = min(columns, len(tiles))
    canvas = np.zeros((rows * (height + gap) - gap, columns * (width + gap) - gap, channels), np.uint8)
    for index, tile in enumerate(tiles):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        canvas[top : top + height, left : left + width] = tile
    return canvas


def _from_array(array: np.ndarray) -> Image.Image:
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)


def _encode(image: Image.Image, alt: str, *, as_png: bool) -> PageImage:
    buffer = io.BytesIO()
    if as_png:
        image.save(buffer, format="PNG", optimize=True)
    else:
        image.save(buffer, format="WEBP", quality=WEBP_QUALITY)
    media_type = "image/png" if as_png else "image/webp"
    uri = f"data:{media_type};base64,{base64.b64encode(buffer.getvalue()).decode()}"
    return PageImage(uri, image.width, image.height, alt, pixelated=as_png)
