"""The sample image: receptive fields are drawn on it, and a pool is computed on it."""

import base64
import io
from dataclasses import dataclass

import numpy as np

from zoo.errors import ZooError

# A network for grey images of at most this size gets a digit.
MAX_DIGIT_SIZE = 64
# The page stretches a larger image from this size to the network's.
MAX_SIZE = 512
# Left, top, right, bottom of the face in the photograph, which has 512 x 600 pixels.
FACE_CROP = (56, 0, 456, 400)
JPEG_QUALITY = 82


@dataclass(frozen=True, eq=False)
class SampleImage:
    """uint8 [height, width, 1 or 3] in the network's proportions, at most 512 x 512; `uri` holds the same pixels."""

    pixels: np.ndarray
    about: str
    uri: str

    @property
    def grey(self) -> np.ndarray:
        """uint8 [height, width]."""
        return np.round(self.pixels.mean(axis=2)).astype(np.uint8)


def make_sample_image(
    image_shape: tuple[int, int, int], image: np.ndarray | None = None, about: str = ""
) -> SampleImage:
    """`image`, uint8 [height, width, 1 or 3], for a network of this image shape; by default a photograph or a digit.

    Raises ZooError if `image` has another type or shape.
    """
    height, width, channels = image_shape
    if image is not None:
        about = about or "the given image"
    elif channels == 1 and max(height, width) <= MAX_DIGIT_SIZE:
        image, about = _digit(), "a digit of UCI's optdigits"
    else:
        image, about = _photograph(), "Grace Hopper, the photograph that comes with matplotlib"
    fitted = _center_crop(image, _limited_size(height, width), grey=channels == 1)
    return SampleImage(fitted, about, _data_uri(fitted))


def _digit() -> np.ndarray:
    from zoo.data.sources.digits import load_digits

    images, labels = load_digits()
    return images[np.flatnonzero(labels == 3)[0]][..., None]


def _photograph() -> np.ndarray:
    from matplotlib.cbook import get_sample_data
    from PIL import Image

    path = str(get_sample_data("grace_hopper.jpg", asfileobj=False))
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").crop(FACE_CROP))


def _limited_size(height: int, width: int) -> tuple[int, int]:
    scale = min(1, MAX_SIZE / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _center_crop(image: np.ndarray, size: tuple[int, int], *, grey: bool) -> np.ndarray:
    """The largest centred part of the image with these proportions, scaled to (height, width)."""
    from PIL import Image, ImageOps

    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, 3) or not image.size:
        raise ZooError(f"the image is {image.dtype} {image.shape}: give uint8 [height, width, 1 or 3]")
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    fitted = ImageOps.fit(picture.convert("L" if grey else "RGB"), (size[1], size[0]), Image.Resampling.BICUBIC)
    pixels = np.asarray(fitted)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _data_uri(pixels: np.ndarray) -> str:
    """Small images exactly, as PNG; others as JPEG."""
    from PIL import Image

    as_png = max(pixels.shape[:2]) <= MAX_DIGIT_SIZE
    options = {"format": "PNG"} if as_png else {"format": "JPEG", "quality": JPEG_QUALITY}
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(buffer, optimize=True, **options)
    media_type = "image/png" if as_png else "image/jpeg"
    return f"data:{media_type};base64,{base64.b64encode(buffer.getvalue()).decode()}"
