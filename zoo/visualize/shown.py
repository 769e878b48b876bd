"""How results are shown: in notebooks as a PNG, in a prompt by the shapes of their arrays."""

from collections.abc import Callable
from dataclasses import fields
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from zoo.visualize.tiles import mosaic

MAX_TILES = 16
MAX_COLUMNS = 4


def png_of_tiles(images: np.ndarray, to_colours: Callable[[np.ndarray], np.ndarray]) -> bytes | None:
    """The first images [..., height, width, channel], each through `to_colours`, side by side.

    None, for which a notebook takes the text, where the channels are no colours, or there is no image.
    """
    images = images.reshape(-1, *images.shape[-3:])[:MAX_TILES]
    if images.shape[-1] not in (1, 3) or not images.size:
        return None
    sheet = mosaic([to_colours(image) for image in images], columns=min(MAX_COLUMNS, len(images)))
    written = BytesIO()
    Image.fromarray(np.round(255 * sheet).astype(np.uint8)).save(written, "PNG")
    return written.getvalue()


def stretched_to_colours(image: np.ndarray) -> np.ndarray:
    """Values [height, width, 1 or 3] as colours [height, width, 3]: the lowest is 0, the highest 1."""
    low, high = image.min(), image.max()
    stretched = (image - low) / (high - low) if high > low else np.full(image.shape, 0.5)
    return np.broadcast_to(stretched, (*image.shape[:2], 3))


def shapes_text(result: Any) -> str:
    """The class and its fields; of arrays the shape."""
    parts = [(field.name, getattr(result, field.name)) for field in fields(result)]
    shown = [f"{name}={list(value.shape) if isinstance(value, np.ndarray) else repr(value)}" for name, value in parts]
    return f"{type(result).__name__}({', '.join(shown)})"
