"""Preprocessing of images for a network: scaled, cropped and normalised."""

import math
from dataclasses import dataclass
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from msgspec import Meta

from zoo.data.fitting import fit_image
from zoo.errors import ZooError
from zoo.runtime.record_types import MAX_CHANNELS, Fit, ImageShape, Interpolation

Mean = Annotated[float, Meta(ge=-1000, le=1000)]
Deviation = Annotated[float, Meta(gt=0, le=1000)]


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """uint8 images of any size to `image_shape` (height, width, channels), and their values to zero mean.

    With `fit` "resize" the centre is cut out, `crop` of the image's shorter side, scaled to `image_shape`; with
    "squash" it is `crop` of the height and of the width, so that the aspect ratio is not kept; "pad" puts the whole
    image in the middle of zeros. `mean` and `std`, one value per channel, are of pixels scaled to 0..1.
    Raises ZooError for another number of them, and for what no image has.
    """

    image_shape: ImageShape
    mean: Annotated[tuple[Mean, ...], Meta(max_length=MAX_CHANNELS)]
    std: Annotated[tuple[Deviation, ...], Meta(max_length=MAX_CHANNELS)]
    fit: Fit = "resize"
    crop: Annotated[float, Meta(gt=0, le=1)] = 1.0
    interpolation: Interpolation = "bilinear"

    def __post_init__(self) -> None:
        channels = self.image_shape[-1]
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != channels:
                raise ZooError(f"{name} has {len(values)} values for images of {channels} channels: give one for each")
            if not all(math.isfinite(value) and (name == "mean" or value > 0) for value in values):
                raise ZooError(f"{name} is {tuple(values)}: give finite numbers, and deviations above 0")

    def fitted(self, image: np.ndarray) -> np.ndarray:
        """uint8 [height, width, 1 or 3] as uint8 of `image_shape`."""
        return fit_image(image, self.image_shape, self.fit, crop=self.crop, interpolation=self.interpolation)

    def normalized(self, images: jax.Array) -> jax.Array:
        """uint8 [..., channels] to the float32 that the network takes."""
        return normalize(images, self.mean, self.std)


def normalize(images: jax.Array, mean: tuple[float, ...], std: tuple[float, ...]) -> jax.Array:
    """uint8 images to float32, scaled to 0..1, less `mean`, over `std` (one value per channel)."""
    return standardize(scale_to_1(images), mean, std)


def scale_to_1(images: jax.Array) -> jax.Array:
    """uint8 images to float32 in 0..1."""
    return images.astype(jnp.float32) / 255


def standardize(images: jax.Array, mean: tuple[float, ...], std: tuple[float, ...]) -> jax.Array:
    """Images in 0..1, less `mean`, over `std` (one value per channel)."""
    return (images - jnp.array(mean)) / jnp.array(std)


def channel_constants(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    """One value per channel: grey images get the mean of a colour network's three, colour images that of a grey one."""
    if len(values) == channels:
        return values
    return (sum(values) / len(values),) * channels
