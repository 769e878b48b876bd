"""Random augmentation of training images, compiled with the training step, from an explicit key."""

import jax
import jax.numpy as jnp
from jax import lax

from zoo.training.augment.auto_augment import auto_augment
from zoo.training.augment.color_jitter import color_jitter
from zoo.training.augment.lighting import lighting
from zoo.training.augment.rand_augment import RandAugment, rand_augment
from zoo.training.augment.random_crop import random_resized_crop
from zoo.training.augment.random_erase import random_erase
from zoo.training.augment.trivial_augment import trivial_augment
from zoo.training.config.recipe import Recipe

# Numbers to fold into the key, for what came after the first five: their keys stay the same.
AUTO_AUGMENT, RAND_AUGMENT, COLOR_JITTER, LIGHTING = range(4)


def augment(
    key: jax.Array, images: jax.Array, recipe: Recipe, mean: tuple[float, ...], std: tuple[float, ...]
) -> jax.Array:
    """Images [batch, height, width, 1 or 3] in 0..1, before standardization, each augmented independently.

    The recipe's `crop`, `shift`, `flip`, `auto_augment`, `randaugment`, `trivial_augment`, `color_jitter`, `lighting`
    and `erase` are applied, in this order; without crops and flips where the images were cropped when they were read.
    `mean` and `std` are the data's, one value per channel: the mean fills what is from outside an image. Mixup and
    CutMix are in `mixing`.
    """
    shift_key, flip_key, erase_key, crop_key, trivial_key = jax.random.split(key, 5)
    if recipe.crop and not recipe.crops_originals:
        images = random_resized_crop(crop_key, images, recipe.crop)
    if recipe.shift:
        images = random_shift(shift_key, images, recipe.shift, mean)
    if recipe.flip and not recipe.crops_originals:
        images = random_flip(flip_key, images)
    if recipe.auto_augment:
        auto_key = jax.random.fold_in(key, AUTO_AUGMENT)
        images = auto_augment(auto_key, images, mean, recipe.augment_interpolation)
    if recipe.randaugment:
        rand_key = jax.random.fold_in(key, RAND_AUGMENT)
        images = rand_augment(rand_key, images, rand_augment_settings(recipe), mean, recipe.augment_interpolation)
    if recipe.trivial_augment:
        images = trivial_augment(trivial_key, images, mean, recipe.augment_interpolation)
    if recipe.color_jitter or recipe.hue_jitter:
        jitter_key = jax.random.fold_in(key, COLOR_JITTER)
        images = color_jitter(jitter_key, images, recipe.color_jitter, recipe.hue_jitter)
    if recipe.lighting and images.shape[-1] == 3:
        images = lighting(jax.random.fold_in(key, LIGHTING), images, recipe.lighting)
    if recipe.erase:
        noise_std = std if recipe.erase_noise else ()
        images = random_erase(erase_key, images, recipe.erase, mean, area=recipe.erase_area, noise_std=noise_std)
    return images


def rand_augment_settings(recipe: Recipe) -> RandAugment:
    """How a recipe changes images by RandAugment."""
    return RandAugment(
        recipe.randaugment,
        operations=recipe.randaugment_ops,
        deviation=recipe.randaugment_std,
        form=recipe.randaugment_form,
    )


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
