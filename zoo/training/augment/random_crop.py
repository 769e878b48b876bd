"""Random crops resized to the image's own size (Szegedy et al. 2014, section 6; torchvision's RandomResizedCrop)."""

import math
from functools import partial

import jax
import jax.numpy as jnp

LARGEST_RATIO = 4 / 3
# Boxes drawn an image, of which the first that lies inside is taken; else the largest of an allowed ratio.
TRIES = 10


def cropped(key: jax.Array, images: jax.Array, smallest: float) -> jax.Array:
    """A random part of each image [batch, height, width, channel], `smallest` to all of its area, at the image's size.

    The part's ratio of width to height is 3/4 to 4/3, uniform in its logarithm.
    """
    return resized(images, random_boxes(key, *images.shape[:3], smallest))


def random_boxes(key: jax.Array, batch: int, height: int, width: int, smallest: float) -> jax.Array:
    """float [batch, 4]: top, left, height and width in pixels of boxes inside an image, not rounded."""
    size_key, place_key = jax.random.split(key)
    whole = jnp.array([height, width], jnp.float32)
    draws = jax.random.uniform(size_key, (batch, TRIES, 2), jnp.float32)
    area = (smallest + (1 - smallest) * draws[..., 0]) * height * width
    ratio = jnp.exp(math.log(LARGEST_RATIO) * (2 * draws[..., 1] - 1))
    sizes = jnp.sqrt(jnp.stack([area / ratio, area * ratio], axis=-1))
    inside = (sizes <= whole).all(-1)
    first = jnp.take_along_axis(sizes, inside.argmax(1)[:, None, None], axis=1)[:, 0]
    largest = jnp.minimum(whole, whole[::-1] * LARGEST_RATIO)
    size = jnp.where(inside.any(1)[:, None], first, largest)
    place = jax.random.uniform(place_key, (batch, 2), jnp.float32) * (whole - size)
    return jnp.concatenate([place, size], axis=1)


def resized(images: jax.Array, boxes: jax.Array) -> jax.Array:
    """The box of each image (top, left, height and width in pixels, float [batch, 4]) at the image's size, bilinear.

    As PIL's `resize(box=...)` for boxes that are no larger than the image, where there is nothing to smooth.
    """
    for axis in (0, 1):
        images = jax.vmap(partial(_stretched, axis=axis))(images, boxes[:, axis], boxes[:, axis + 2])
    return images


def _stretched(image: jax.Array, start: jax.Array, length: jax.Array, axis: int) -> jax.Array:
    """What lies from `start` to `start + length` along an axis, at as many pixels as the image has there."""
    size = image.shape[axis]
    # A pixel's value is at its middle; beyond the outermost middles the edge goes on.
    place = jnp.clip(start + (jnp.arange(size, dtype=image.dtype) + 0.5) * (length / size) - 0.5, 0, size - 1)
    before = jnp.floor(place).astype(jnp.int32)
    share = (place - before).reshape(-1, *(1,) * (2 - axis))
    taken = partial(jnp.take, image, axis=axis, mode="clip")
    return taken(before) * (1 - share) + taken(before + 1) * share
