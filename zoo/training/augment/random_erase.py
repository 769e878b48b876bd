"""Random erasing (Zhong et al. 2017, arXiv:1708.04896): a rectangle of an image is filled."""

import math

import jax
import jax.numpy as jnp

from zoo.training.config.recipe import SMALLEST_ERASED

# torchvision's RandomErasing and timm's, which differ only in the largest area and in the last digit of the ratio.
LARGEST_RATIO = 3.3
SMALLEST_RATIO = 0.3
MAX_TRIES = 10


def random_erase(
    key: jax.Array,
    images: jax.Array,
    probability: float,
    mean: tuple[float, ...],
    *,
    area: float = 0.0,
    noise_std: tuple[float, ...] = (),
) -> jax.Array:
    """Images [batch, height, width, channel], in each of which a rectangle is erased with this `probability`.

    It has 1/8 to 1/2 of the height and the width, or with `area` 2 % to that share of the image's area, and a ratio of
    height to width of 0.3 to 3.3, as torchvision's. It is filled with the `mean` of each channel, or with `noise_std`
    with normal noise of that mean and standard deviation, timm's mode "pixel".
    """
    chosen_key, box_key, noise_key = jax.random.split(key, 3)
    chosen = jax.random.bernoulli(chosen_key, probability, (len(images), 1))
    if area:
        rows, columns = _ranges_of_area(box_key, images.shape, area)
    else:
        rows, columns = _ranges_of_sides(box_key, images.shape)
    inside = (rows & chosen)[:, :, None, None] & columns[:, None, :, None]
    fill = jnp.array(mean, images.dtype)
    if noise_std:
        fill += jnp.array(noise_std, images.dtype) * jax.random.normal(noise_key, images.shape, images.dtype)
    return jnp.where(inside, fill, images)


def _ranges_of_sides(key: jax.Array, shape: tuple[int, ...]) -> tuple[jax.Array, jax.Array]:
    """bool [batch, height] and [batch, width]: true in a range of 1/8 to 1/2 of each side."""
    batch, height, width = shape[:3]
    row_key, column_key = jax.random.split(key)
    return _random_ranges(row_key, batch, height), _random_ranges(column_key, batch, width)


def _random_ranges(key: jax.Array, batch: int, size: int) -> jax.Array:
    length_key, start_key = jax.random.split(key)
    length = jax.random.randint(length_key, (batch, 1), size // 8, size // 2 + 1)
    return _ranges(jax.random.uniform(start_key, (batch, 1)), length, size)


def _ranges_of_area(key: jax.Array, shape: tuple[int, ...], area: float) -> tuple[jax.Array, jax.Array]:
    """As `_ranges_of_sides`, for a rectangle of 2 % to `area` of the image; empty where no draw fits into it."""
    batch, height, width = shape[:3]
    size_key, start_key = jax.random.split(key)
    size = erased_sizes(size_key, batch, height, width, area)
    starts = jax.random.uniform(start_key, (batch, 2, 1))
    return _ranges(starts[:, 0], size[:, :1], height), _ranges(starts[:, 1], size[:, 1:], width)


def erased_sizes(key: jax.Array, batch: int, height: int, width: int, area: float) -> jax.Array:
    """int32 [batch, 2]: the height and width in pixels of a rectangle; 0 where none of ten draws fits."""
    draws = jax.random.uniform(key, (batch, MAX_TRIES, 2), jnp.float32)
    pixels = (SMALLEST_ERASED + (area - SMALLEST_ERASED) * draws[..., 0]) * height * width
    low, high = math.log(SMALLEST_RATIO), math.log(LARGEST_RATIO)
    ratio = jnp.exp(low + (high - low) * draws[..., 1])
    sizes = jnp.round(jnp.sqrt(jnp.stack([pixels * ratio, pixels / ratio], -1))).astype(jnp.int32)
    fits = (sizes < jnp.array([height, width])).all(-1)
    first = jnp.take_along_axis(sizes, fits.argmax(1)[:, None, None], axis=1)[:, 0]
    return jnp.where(fits.any(1)[:, None], first, 0)


def _ranges(start: jax.Array, length: jax.Array, size: int) -> jax.Array:
    """bool [batch, size]: true in a range of `length` [batch, 1], which starts at a share of the positions for it."""
    first = jnp.floor(start * (size - length + 1))
    index = jnp.arange(size)
    return (index >= first) & (index < first + length)
