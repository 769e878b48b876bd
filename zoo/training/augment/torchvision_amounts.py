"""How much torchvision's policies change an image, by the share of the largest magnitude."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from zoo.training.augment.levels import WHITE
from zoo.training.augment.operations import AugmentOperation, amounts


@dataclass(frozen=True)
class LargestAmounts:
    """The amounts at the largest magnitude; `dropped_bits` of 8, and a translation in pixels."""

    shear: float
    translate_x: float
    translate_y: float
    degrees: float
    enhancement: float
    dropped_bits: int


def rand_augment_amounts(height: int, width: int) -> LargestAmounts:
    """Those of torchvision's RandAugment and AutoAugment for images of this size."""
    translate_x, translate_y = 150 / 331 * width, 150 / 331 * height
    return LargestAmounts(0.3, translate_x, translate_y, degrees=30, enhancement=0.9, dropped_bits=4)


# Of TrivialAugment's "wide" space; the translation does not depend on the image size, as in the paper.
TRIVIAL_WIDE = LargestAmounts(0.99, 32, 32, degrees=135, enhancement=0.99, dropped_bits=6)


def torchvision_amounts(operation: jax.Array, share: jax.Array, largest: LargestAmounts) -> jax.Array:
    """The amounts [batch] of the operations, for shares [batch] of the largest magnitude in -1..1.

    A negative share is the other direction; operations without one use its absolute value.
    """
    level = jnp.abs(share)
    return amounts(
        operation,
        {
            AugmentOperation.SHEAR_X: share * largest.shear,
            AugmentOperation.SHEAR_Y: share * largest.shear,
            AugmentOperation.TRANSLATE_X: -jnp.trunc(share * largest.translate_x),
            AugmentOperation.TRANSLATE_Y: -jnp.trunc(share * largest.translate_y),
            AugmentOperation.ROTATE: share * largest.degrees,
            AugmentOperation.BRIGHTNESS: share * largest.enhancement,
            AugmentOperation.COLOUR: share * largest.enhancement,
            AugmentOperation.CONTRAST: share * largest.enhancement,
            AugmentOperation.SHARPNESS: share * largest.enhancement,
            AugmentOperation.POSTERIZE: 8 - jnp.round(level * largest.dropped_bits),
            AugmentOperation.SOLARIZE: WHITE - level * WHITE,
        },
    )
