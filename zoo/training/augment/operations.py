"""The operations of AutoAugment, RandAugment and TrivialAugment, on a batch in which each image has its own.

A whole batch is changed at once: five operations are affine maps, four blend with another image, and six map the 256
grey levels to other values. All agree with PIL.
"""

from collections.abc import Mapping
from enum import IntEnum, auto

import jax
import jax.numpy as jnp

from zoo.training.augment.enhancement import blend_with, luma, mean_luma, smooth
from zoo.training.augment.levels import WHITE, autocontrast, equalize, posterize, solarize, solarize_add, to_levels
from zoo.training.augment.warp import Interpolation, warp


class AugmentOperation(IntEnum):
    """An operation, and what its amount is. The first 14 are those of TrivialAugment's Table 1."""

    IDENTITY = 0
    # Columns per row, and rows per column, from the upper left corner.
    SHEAR_X = auto()
    SHEAR_Y = auto()
    # Pixels, to the left or upwards.
    TRANSLATE_X = auto()
    TRANSLATE_Y = auto()
    # Degrees, counter-clockwise.
    ROTATE = auto()
    # The factor, as an amount above 1.
    BRIGHTNESS = auto()
    COLOUR = auto()
    CONTRAST = auto()
    SHARPNESS = auto()
    # The number of bits that are kept.
    POSTERIZE = auto()
    # The grey level from which on levels are inverted.
    SOLARIZE = auto()
    AUTOCONTRAST = auto()
    EQUALIZE = auto()
    INVERT = auto()
    # What is added to levels under 128.
    SOLARIZE_ADD = auto()


def apply_operations(
    images: jax.Array,
    operation: jax.Array,
    amount: jax.Array,
    fill: tuple[float, ...],
    interpolation: Interpolation = "nearest",
) -> jax.Array:
    """Images [batch, height, width, 1 or 3] in 0..1, each changed by its operation, int [batch], and amount, [batch].

    `fill` has one value per channel, for pixels from outside an image; `interpolation` is that of affine maps.
    """
    # Only one of the three has an effect on an image. XLA fuses them, and in this order repeats the least work.
    images = warp(images, inverse_maps(operation, amount, *images.shape[1:3]), fill, interpolation)
    images = map_levels(images, operation, amount)
    return enhance(images, operation, amount)


def amounts(operation: jax.Array, of_each: Mapping[AugmentOperation, jax.Array]) -> jax.Array:
    """float32 [batch]: of the amounts [batch] of each operation, that of each image's own; 0 where it has none."""
    chosen = [operation == which for which in of_each]
    return jnp.select(chosen, [jnp.asarray(values, jnp.float32) for values in of_each.values()], jnp.float32(0))


def inverse_maps(operation: jax.Array, amount: jax.Array, height: int, width: int) -> jax.Array:
    """[batch, 2, 3]: the affine maps from (x, y, 1) in the result to (x, y) in the image, as PIL's AFFINE."""

    def of(selected: AugmentOperation) -> jax.Array:
        return jnp.where(operation == selected, amount, 0)

    angle = jnp.radians(of(AugmentOperation.ROTATE))
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    x, y = width / 2, height / 2
    to_x = [cos, of(AugmentOperation.SHEAR_X) - sin, of(AugmentOperation.TRANSLATE_X) + x - cos * x + sin * y]
    to_y = [of(AugmentOperation.SHEAR_Y) + sin, cos, of(AugmentOperation.TRANSLATE_Y) + y - sin * x - cos * y]
    return jnp.stack([jnp.stack(to_x, -1), jnp.stack(to_y, -1)], axis=1)


def enhance(images: jax.Array, operation: jax.Array, amount: jax.Array) -> jax.Array:
    """Brightness, colour, contrast and sharpness: extrapolation from, or blending with, an image that lacks it.

    The same as PIL's ImageEnhance.
    """
    operation, factor = per_image(operation), 1 + per_image(amount).astype(images.dtype)
    without = {
        AugmentOperation.BRIGHTNESS: jnp.zeros((), images.dtype),
        AugmentOperation.COLOUR: luma(images),
        AugmentOperation.CONTRAST: mean_luma(images),
        AugmentOperation.SHARPNESS: smooth(images),
    }
    other = jnp.select([operation == which for which in without], list(without.values()), images)
    return blend_with(images, other, factor)


def map_levels(images: jax.Array, operation: jax.Array, amount: jax.Array) -> jax.Array:
    """The operations that map the grey levels 0 to 255 (PIL's ImageOps)."""
    operation, amount = per_image(operation), per_image(amount)
    levels = to_levels(images)
    new = {
        AugmentOperation.POSTERIZE: posterize(levels, amount),
        AugmentOperation.SOLARIZE: solarize(levels, amount),
        AugmentOperation.AUTOCONTRAST: autocontrast(levels),
        AugmentOperation.EQUALIZE: equalize(levels),
        AugmentOperation.INVERT: WHITE - levels,
        AugmentOperation.SOLARIZE_ADD: solarize_add(levels, amount),
    }
    chosen = [operation == which for which in new]
    return jnp.select(chosen, [values / WHITE for values in new.values()], images)


def per_image(values: jax.Array) -> jax.Array:
    """[batch] as [batch, 1, 1, 1]."""
    return values[:, None, None, None]
