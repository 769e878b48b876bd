"""TrivialAugment "wide" (Mueller and Hutter 2021): per image one operation and one strength, both drawn uniformly."""

import jax
import jax.numpy as jnp

from zoo.training.augment.operations import AugmentOperation, apply_operations
from zoo.training.augment.torchvision_amounts import TRIVIAL_WIDE, torchvision_amounts
from zoo.training.augment.warp import Interpolation

# Strengths are the integers from 0 to 30.
STRONGEST = 30
# The operations of the paper's Table 1 are the first.
OPERATIONS = AugmentOperation.EQUALIZE + 1


def trivial_augment(
    key: jax.Array, images: jax.Array, fill: tuple[float, ...], interpolation: Interpolation = "nearest"
) -> jax.Array:
    """Images [batch, height, width, 1 or 3] in 0..1, each changed by one random operation.

    `fill` has one value per channel, for pixels from outside an image.
    """
    operation, strength = random_operations(key, len(images))
    return apply_operations(images, operation, trivial_amounts(operation, strength), fill, interpolation)


def random_operations(key: jax.Array, batch: int) -> tuple[jax.Array, jax.Array]:
    """An `AugmentOperation` and a strength from -30 to 30 per image, both int32 [batch]."""
    outcomes = jnp.array([OPERATIONS, STRONGEST + 1, 2])
    draws = jnp.floor(jax.random.uniform(key, (batch, 3), jnp.float32) * outcomes).astype(jnp.int32)
    operation, strength, negative = draws.T
    return operation, jnp.where(negative, -strength, strength)


def trivial_amounts(operation: jax.Array, strength: jax.Array) -> jax.Array:
    """float32 [batch]: the amounts of the operations at strengths from -30 to 30; some ignore the sign."""
    share = strength.astype(jnp.float32) / STRONGEST
    return torchvision_amounts(operation, share, TRIVIAL_WIDE)
