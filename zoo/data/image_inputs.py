"""Images as a program has them: paths, folders, PIL images and arrays, one or many, as named arrays of pixels."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from zoo.data.decoding import pil_to_array, read_image
from zoo.data.errors import DataError
from zoo.data.sources.image_tree import list_tree, natural_order
from zoo.printable import one_line, printable, quoted
from zoo.runtime.home_folder import expand_home

# A path, a PIL image, an array, or several of them.
ImageInputs = Any


class NamedImage(NamedTuple):
    """Pixels, uint8 [height, width, 1 or 3], and the file's path, or "image 3" of what has no name."""

    name: str
    pixels: np.ndarray


def named_images(images: ImageInputs) -> Iterator[NamedImage]:
    """All images of the input in order, each read when it is asked for.

    `images` is a path of a file or of a folder (with its sub-folders, 10.png after 9.png), a PIL image, an array of
    integers from 0 to 255 [height, width], [height, width, channels] or [batch, height, width, channels], an example
    or a source of a data set, or an iterable of these. There are 1 channel, 3 (RGB) or 4, the last of which (alpha) is
    dropped, as that of files is. Raises DataError for all else, and for a file that cannot be read.
    """
    for index, (name, pixels) in enumerate(_unnamed(images)):
        yield NamedImage(name or f"image {index}", pixels)


def _unnamed(images: ImageInputs) -> Iterator[tuple[str, np.ndarray]]:
    """The same, with an empty name for what has none."""
    if isinstance(images, str | os.PathLike):
        yield from ((printable(path), read_image(path)) for path in _files(images))
    elif isinstance(images, Image.Image):
        yield printable(getattr(images, "filename", "")), pil_to_array(images)
    elif hasattr(images, "__array__"):
        yield from (("", pixels) for pixels in _pixels(_on_host(images)))
    elif isinstance(images, Mapping) and "image" in images:
        yield from _unnamed(images["image"])
    elif isinstance(images, Iterable) and not isinstance(images, bytes | Mapping):
        for image in images:
            yield from _unnamed(image)
    elif hasattr(images, "__getitem__") and hasattr(images, "__len__") and not isinstance(images, bytes | Mapping):
        for index in range(len(images)):
            yield from _unnamed(images[index])
    else:
        raise DataError(f"{quoted(images)} is no image: give a path, a PIL image or an array")


def _files(path: str | os.PathLike[str]) -> list[Path]:
    """The file itself, or the images in the folder. Raises DataError for a folder without images, and for a URL."""
    if not os.fspath(path):
        raise DataError("the name of an image is empty")
    if "://" in os.fspath(path):
        raise DataError(f"{path} is a URL: download the image first")
    file_or_folder = expand_home(os.fspath(path))
    if not file_or_folder.is_dir():
        return [file_or_folder]
    found = natural_order(list_tree(file_or_folder))
    if not found:
        raise DataError(f"there are no images in the folder {path}")
    return found


def _on_host(array: Any) -> np.ndarray:
    try:
        return np.asarray(array)
    except Exception as error:  # of another library's array, such as one on another device, in any class
        raise DataError(f"the image is a {type(array).__name__} that NumPy cannot read ({one_line(error)})") from error


def _pixels(array: np.ndarray) -> Iterator[np.ndarray]:
    """The images of an array, each uint8 [height, width, 1 or 3]."""
    if array.dtype.kind not in "ui":
        raise DataError(
            f"the image is an array of {array.dtype}: give pixels, integers from 0 to 255; "
            "of values from 0 to 1, (x * 255).round().astype('uint8')"
        )
    batch = array[None, ..., None] if array.ndim == 2 else array[None] if array.ndim == 3 else array
    if batch.ndim != 4 or batch.shape[3] not in (1, 3, 4) or 0 in batch.shape[1:]:
        raise DataError(
            f"the image is an array of shape {array.shape}: give [height, width, channels] or a batch of them, "
            "with 1, 3 or 4 channels as the last axis"
        )
    if array.dtype != np.uint8 and array.size and (array.min() < 0 or array.max() > 255):
        raise DataError(f"the image has values from {array.min()} to {array.max()}: give pixels from 0 to 255")
    yield from batch[..., :3].astype(np.uint8)
