"""Images that a command line names: files, folders of them, or - for standard input."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def image_paths(place: str) -> list[str]:
    """The place itself, or the images in that folder. Raises ZooError where a folder has none."""
    from pathlib import Path

    from zoo.data.sources.folder import image_files
    from zoo.errors import ZooError

    if not Path(place).is_dir():
        return [place]
    found = [str(path) for path in image_files(Path(place))]
    if not found:
        raise ZooError(f"there are no images in the folder {place}")
    return found


def decoded(path: str) -> np.ndarray:
    """uint8 [height, width, 1 or 3] of one of `image_paths`. Raises ZooError where it cannot be read."""
    import io
    import warnings

    from zoo.data.decoding import decode_image, read_image

    with warnings.catch_warnings():
        # PIL warns of what it can mend.
        warnings.simplefilter("ignore")
        if path == "-":
            return decode_image(io.BytesIO(sys.stdin.buffer.read()), "from standard input")
        return read_image(path)
