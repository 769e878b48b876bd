"""Random augmentation of training images, compiled with the training step, from an explicit key."""

import jax
import jax.numpy as jnp
from jax import lax

from zoo.training.augment.random_crop import random_resized_crop
from zoo.training.augment.trivial_augment import trivial_augment
from zoo.training.config.recipe import Recipe


def augment(key: jax.Array, images: jax.Array, recipe: Recipe, fill: tuple[float, ...]) -> jax.Array:
    """Images [batch, height, width, 1 or 3] in 0..1, before standardization, each augmented independently.

    The recipe's `crop`, `shift`, `flip`, `trivial_augment` and `erase` are applied, in this order. `fill` has one value
    per channel, usually the data's mean, for pixels from outside an image. Mixup and CutMix are in `mixing`.
    """
    shift_key, flip_key, erase_key, crop_key, trivial_key = jax.random.split(key, 5)
    if recipe.crop:
        images = random_resized_crop(crop_key, images, recipe.crop)
    if recipe.shift:
        images = random_shift(shift_key, images, recipe.shift, fill)
    if recipe.flip:
        images = random_flip(flip_key, images)
    if recipe.trivial_augment:
        images = trivial_augment(trivial_key, images, fill)
    if recipe.erase:
        images = random_erase(erase_key, images, recipe.erase, fill)
    return images


def random_shift(key: jax.Array, images: jax.Array, limit: int, fill: tuple[float, ...]) -> jax.Array:
    """Shift each image by -limit to limit pixels, vertically and horizontally, and pad with `fill`.

    This is the padded crop of He et al. 2015 (arXiv:1512.03385), section 4.2.
    """
    batch, height, width, channels = images.shape
    padding = jnp.array(fill, images.dtype)
    padded = jnp.broadcast_to(padding, (batch, height + 2 * limit, width + 2 * limit, channels))
    padded = padded.at[:, limit : limit + height, limit : limit + width].set(images)
    offsets = jax.random.randint(key, (batch, 2), 0, 2 * limit + 1)
    return jax.vmap(lambda image, offset: lax.dynamic_slice(image, (*offset, 0), (height, width, image.shape[2])))(
        padded, offsets
    )


def random_flip(key: jax.Array, images: jax.Array) -> jax.Array:
    """Flip each image horizontally with probability 0.5."""
    flipped = jax.random.bernoulli(key, shape=(len(images), 1))
    columns = jnp.arange(images.shape[2])
    # Indices, not a `where` of both images: XLA would compute the operations before it twice.
    indices = jnp.where(flipped, columns[::-1], columns)
    return jnp.take_along_axis(images, indices[:, None, :, None], axis=2, mode="clip")


def random_erase(key: jax.Array, images: jax.Array, probability: float, fill: tuple[float, ...]) -> jax.Array:
    """With this probability, fill a rectangle of 1/8 to 1/2 of an image's height and width (Zhong et al. 2017)."""
    batch, height, width, _ = images.shape
    chosen_key, row_key, column_key = jax.random.split(key, 3)
    chosen = jax.random.bernoulli(chosen_key, probability, (batch, 1))
    rows, columns = _random_ranges(row_key, batch, height), _random_ranges(column_key, batch, width)
    inside = (rows & chosen)[:, :, None, None] & columns[:, None, :, None]
    return jnp.where(inside, jnp.array(fill, images.dtype), images)


def _random_ranges(key: jax.Array, batch: int, size: int) -> jax.Array:
    """bool [batch, size]: true in one range of 1/8 to 1/2 of `size` per row."""
    length_key, start_key = jax.random.split(key)
    length = jax.random.randint(length_key, (batch, 1), size // 8, size // 2 + 1)
    start = jnp.floor(jax.random.uniform(start_key, (batch, 1)) * (size - length + 1))
    index = jnp.arange(size)
    return (index >= start) & (index < start + length)
