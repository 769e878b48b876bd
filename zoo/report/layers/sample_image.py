"""The picture that receptive fields are drawn on, and that pools are worked on."""

import base64
import io
from dataclasses import dataclass

import numpy as np

from zoo.errors import ZooError

# Grey images up to this size are digits.
SMALL = 64
# Pixels a side that an image has at most: a page stretches it to the network's size.
MOST = 512
# Where the embedded photograph has a face: of its 512 by 600 pixels, left, top, right, bottom.
FACE = (56, 0, 456, 400)


@dataclass(frozen=True, eq=False)
class Sample:
    """An image of the network's shape, at most 512 pixels a side: uint8 [height, width, 1 or 3].

    `uri` is the same as a data: link.
    """

    pixels: np.ndarray
    about: str
    uri: str

    @property
    def grey(self) -> np.ndarray:
        """uint8 [height, width]."""
        return np.round(self.pixels.mean(axis=2)).astype(np.uint8)


def sample(image_shape: tuple[int, int, int], image: np.ndarray | None = None, about: str = "") -> Sample:
    """The image, or one that is at hand: a photograph, or for small grey images a digit.

    Raises ZooError for what is no image.
    """
    height, width, channels = image_shape
    if image is not None:
        about = about or "an image that was given"
    elif channels == 1 and max(height, width) <= SMALL:
        image, about = _digit(), "a digit of UCI's optdigits"
    else:
        image, about = _photograph(), "Grace Hopper, the photograph that comes with matplotlib"
    fitted = _fitted(image, _size(height, width), grey=channels == 1)
    return Sample(fitted, about, _uri(fitted))


def _digit() -> np.ndarray:
    from zoo.data.sources.digits import load_digits

    images, labels = load_digits()
    return images[np.flatnonzero(labels == 3)[0]][..., None]


def _photograph() -> np.ndarray:
    from matplotlib.cbook import get_sample_data
    from PIL import Image

    with get_sample_data("grace_hopper.jpg") as file:
        return np.asarray(Image.open(file).convert("RGB").crop(FACE))


def _size(height: int, width: int) -> tuple[int, int]:
    scale = min(1, MOST / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _fitted(image: np.ndarray, size: tuple[int, int], grey: bool) -> np.ndarray:
    """The middle of the image, scaled to (height, width)."""
    from PIL import Image, ImageOps

    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, 3) or not image.size:
        raise ZooError(f"an image is {image.dtype} {image.shape}: it is uint8 [height, width, 1 or 3]")
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    fitted = ImageOps.fit(picture.convert("L" if grey else "RGB"), (size[1], size[0]), Image.Resampling.BICUBIC)
    pixels = np.asarray(fitted)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _uri(pixels: np.ndarray) -> str:
    """Small ones exactly, others as JPEG."""
    from PIL import Image

    form = "png" if max(pixels.shape[:2]) <= SMALL else "jpeg"
    out = io.BytesIO()
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    picture.save(out, form, **({"quality": 82, "optimize": True} if form == "jpeg" else {"optimize": True}))
    return f"data:image/{form};base64,{base64.b64encode(out.getvalue()).decode()}"
