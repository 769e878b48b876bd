"""Random crops, resized to the image size (Szegedy et al. 2014, section 6; torchvision's RandomResizedCrop)."""

import math
from functools import partial

import jax
import jax.numpy as jnp

from zoo.data.crops import MAX_ASPECT_RATIO, MAX_TRIES, central_box


def random_resized_crop(key: jax.Array, images: jax.Array, smallest: float) -> jax.Array:
    """A random crop of each image [batch, height, width, channel], resized to the image size.

    It has `smallest` to 1 of the image's area, drawn uniformly, and an aspect ratio of 3/4 to 4/3, drawn uniformly in
    its logarithm. Where ten draws do not fit into an image far from square, the crop is the central one.
    """
    batch, height, width, _ = images.shape
    return resize_boxes(images, random_boxes(key, batch, height, width, smallest))


def random_boxes(key: jax.Array, batch: int, height: int, width: int, smallest: float) -> jax.Array:
    """float32 [batch, 4]: top, left, height and width in pixels, not rounded but for `central_box`, inside an image."""
    size_key, offset_key = jax.random.split(key)
    whole = jnp.array([height, width], jnp.float32)
    draws = jax.random.uniform(size_key, (batch, MAX_TRIES, 2), jnp.float32)
    area = (smallest + (1 - smallest) * draws[..., 0]) * height * width
    ratio = jnp.exp(math.log(MAX_ASPECT_RATIO) * (2 * draws[..., 1] - 1))
    sizes = jnp.sqrt(jnp.stack([area / ratio, area * ratio], axis=-1))
    inside = (sizes <= whole).all(-1)
    size = jnp.take_along_axis(sizes, inside.argmax(1)[:, None, None], axis=1)[:, 0]
    offset = jax.random.uniform(offset_key, (batch, 2), jnp.float32) * (whole - size)
    central = jnp.array(central_box(height, width), jnp.float32)
    return jnp.where(inside.any(1)[:, None], jnp.concatenate([offset, size], axis=1), central)


def resize_boxes(images: jax.Array, boxes: jax.Array) -> jax.Array:
    """The box of each image, resized to the image size by bilinear interpolation.

    `boxes` are float [batch, 4]: top, left, height and width in pixels. The result is that of PIL's `resize(box=...)`
    for boxes no larger than the image, which need no antialiasing.
    """
    for axis in (0, 1):
        images = jax.vmap(partial(_interpolate, axis=axis))(images, boxes[:, axis], boxes[:, axis + 2])
    return images


def _interpolate(image: jax.Array, start: jax.Array, length: jax.Array, axis: int) -> jax.Array:
    """The range from `start` to `start + length` along an axis, resampled to the image's number of pixels there."""
    size = image.shape[axis]
    # A pixel's value is at its center; the border pixels extend to the edge.
    position = jnp.clip(start + (jnp.arange(size, dtype=image.dtype) + 0.5) * (length / size) - 0.5, 0, size - 1)
    before = jnp.floor(position).astype(jnp.int32)
    share = (position - before).reshape(-1, *(1,) * (2 - axis))
    taken = partial(jnp.take, image, axis=axis, mode="clip")
    return taken(before) * (1 - share) + taken(before + 1) * share
