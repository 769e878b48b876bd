"""Preprocessing of images for a network: scaled, cropped and normalised."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from zoo.data.decoding import Fit, Interpolation, fit_image


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """uint8 images of any size to `image_shape` (height, width, channels), and their values to zero mean.

    With `fit` "resize" the centre is cut out, `crop` of the image's shorter side, scaled to `image_shape`; "pad" puts
    the whole image in the middle of zeros. `mean` and `std`, one value per channel, are of pixels scaled to 0..1.
    """

    image_shape: tuple[int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    fit: Fit = "resize"
    crop: float = 1.0
    interpolation: Interpolation = "bilinear"

    def fitted(self, image: np.ndarray) -> np.ndarray:
        """uint8 [height, width, 1 or 3] as uint8 of `image_shape`."""
        return fit_image(image, self.image_shape, self.fit, crop=self.crop, interpolation=self.interpolation)

    def normalized(self, images: jax.Array) -> jax.Array:
        """uint8 [..., channels] to the float32 that the network takes."""
        return normalize(images, self.mean, self.std)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Preprocessing":
        """The inverse of `dataclasses.asdict`; lists, as JSON has no tuples, become tuples."""
        fields: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in stored.items()}
        return cls(**fields)


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
