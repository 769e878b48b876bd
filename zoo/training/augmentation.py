"""Random changes of training images, a batch at a time, compiled with the step, from an explicit key."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax import lax


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """What is changed; by default nothing.

    `shift` moves an image by up to as many pixels up, down, left and right, zeros filling what that leaves (the crop of
    He et al. 2015, section 4.2). `flip` mirrors every other one. `erase` is the share of images that lose a rectangle
    of up to half their sides (Zhong et al. 2017).
    """

    shift: int = 0
    flip: bool = False
    erase: float = 0.0


UNCHANGED = Augmentation()


def augmented(key: jax.Array, images: jax.Array, augmentation: Augmentation) -> jax.Array:
    """Images [batch, height, width, channel] of zero mean, each changed by itself."""
    shift_key, flip_key, erase_key = jax.random.split(key, 3)
    if augmentation.shift:
        images = shifted(shift_key, images, augmentation.shift)
    if augmentation.flip:
        images = flipped(flip_key, images)
    if augmentation.erase:
        images = erased(erase_key, images, augmentation.erase)
    return images


def shifted(key: jax.Array, images: jax.Array, most: int) -> jax.Array:
    """Each image moved by -most to most pixels in both directions; what comes in is zero."""
    batch, height, width, _ = images.shape
    padded = jnp.pad(images, ((0, 0), (most, most), (most, most), (0, 0)))
    places = jax.random.randint(key, (batch, 2), 0, 2 * most + 1)
    return jax.vmap(lambda image, place: lax.dynamic_slice(image, (*place, 0), (height, width, image.shape[2])))(
        padded, places
    )


def flipped(key: jax.Array, images: jax.Array) -> jax.Array:
    """Each image mirrored, left for right, with probability a half."""
    mirrored = jax.random.bernoulli(key, shape=(len(images), 1, 1, 1))
    return jnp.where(mirrored, images[:, :, ::-1], images)


def erased(key: jax.Array, images: jax.Array, share: float) -> jax.Array:
    """Each image, with probability `share`, zero in a rectangle of an eighth to half its height and width."""
    batch, height, width, _ = images.shape
    chosen_key, row_key, column_key = jax.random.split(key, 3)
    chosen = jax.random.bernoulli(chosen_key, share, (batch, 1))
    rows, columns = _stretches(row_key, batch, height), _stretches(column_key, batch, width)
    inside = (rows & chosen)[:, :, None, None] & columns[:, None, :, None]
    return jnp.where(inside, 0, images)


def _stretches(key: jax.Array, batch: int, size: int) -> jax.Array:
    """bool [batch, size]: true along a stretch of an eighth to a half of `size`, that lies inside."""
    length_key, start_key = jax.random.split(key)
    length = jax.random.randint(length_key, (batch, 1), size // 8, size // 2 + 1)
    start = jnp.floor(jax.random.uniform(start_key, (batch, 1)) * (size - length + 1))
    place = jnp.arange(size)
    return (place >= start) & (place < start + length)
