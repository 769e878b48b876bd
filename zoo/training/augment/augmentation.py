"""Random changes of training images, a batch at a time, compiled with the step, from an explicit key."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax import lax

from zoo.training.augment.random_crop import cropped
from zoo.training.augment.trivial_augment import trivially_augmented


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """What is changed; by default nothing.

    `crop` is the smallest share of an image's area that is cut out and resized to its size (Szegedy et al. 2014).
    `shift` moves an image by up to as many pixels up, down, left and right (the crop of He et al. 2015, section 4.2).
    `flip` mirrors every other one. `trivial` changes each by one operation of TrivialAugment (Mueller and Hutter 2021).
    `erase` is the share of images that lose a rectangle of up to half their sides (Zhong et al. 2017).
    `mixup` (Zhang et al. 2017) and `cutmix` (Yun et al. 2019) are the alpha of the beta distribution of shares by which
    images and their targets are mixed; with both, each batch takes one.
    """

    crop: float = 0.0
    shift: int = 0
    flip: bool = False
    trivial: bool = False
    erase: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0

    @property
    def mixes(self) -> bool:
        """Whether images have targets of more than one class."""
        return bool(self.mixup or self.cutmix)


UNCHANGED = Augmentation()


def augmented(key: jax.Array, images: jax.Array, augmentation: Augmentation, fill: tuple[float, ...]) -> jax.Array:
    """Images [batch, height, width, 1 or 3] in 0..1, before they are normalised, each changed by itself.

    `fill`, a value a channel, is what comes in from outside: the data's mean. Mixing is in `zoo.training.mixing`.
    """
    shift_key, flip_key, erase_key, crop_key, trivial_key = jax.random.split(key, 5)
    if augmentation.crop:
        images = cropped(crop_key, images, augmentation.crop)
    if augmentation.shift:
        images = shifted(shift_key, images, augmentation.shift, fill)
    if augmentation.flip:
        images = flipped(flip_key, images)
    if augmentation.trivial:
        images = trivially_augmented(trivial_key, images, fill)
    if augmentation.erase:
        images = erased(erase_key, images, augmentation.erase, fill)
    return images


def shifted(key: jax.Array, images: jax.Array, most: int, fill: tuple[float, ...]) -> jax.Array:
    """Each image moved by -most to most pixels in both directions; `fill` comes in."""
    batch, height, width, channels = images.shape
    outside = jnp.array(fill, images.dtype)
    padded = jnp.broadcast_to(outside, (batch, height + 2 * most, width + 2 * most, channels))
    padded = padded.at[:, most : most + height, most : most + width].set(images)
    places = jax.random.randint(key, (batch, 2), 0, 2 * most + 1)
    return jax.vmap(lambda image, place: lax.dynamic_slice(image, (*place, 0), (height, width, image.shape[2])))(
        padded, places
    )


def flipped(key: jax.Array, images: jax.Array) -> jax.Array:
    """Each image mirrored, left for right, with probability a half."""
    mirrored = jax.random.bernoulli(key, shape=(len(images), 1))
    columns = jnp.arange(images.shape[2])
    # Taken by place: a choice between both images would have XLA compute what comes before it twice.
    taken = jnp.where(mirrored, columns[::-1], columns)
    return jnp.take_along_axis(images, taken[:, None, :, None], axis=2, mode="clip")


def erased(key: jax.Array, images: jax.Array, share: float, fill: tuple[float, ...]) -> jax.Array:
    """Each image, with probability `share`, `fill` in a rectangle of an eighth to half its height and width."""
    batch, height, width, _ = images.shape
    chosen_key, row_key, column_key = jax.random.split(key, 3)
    chosen = jax.random.bernoulli(chosen_key, share, (batch, 1))
    rows, columns = _stretches(row_key, batch, height), _stretches(column_key, batch, width)
    inside = (rows & chosen)[:, :, None, None] & columns[:, None, :, None]
    return jnp.where(inside, jnp.array(fill, images.dtype), images)


def _stretches(key: jax.Array, batch: int, size: int) -> jax.Array:
    """bool [batch, size]: true along a stretch of an eighth to a half of `size`, that lies inside."""
    length_key, start_key = jax.random.split(key)
    length = jax.random.randint(length_key, (batch, 1), size // 8, size // 2 + 1)
    start = jnp.floor(jax.random.uniform(start_key, (batch, 1)) * (size - length + 1))
    place = jnp.arange(size)
    return (place >= start) & (place < start + length)
