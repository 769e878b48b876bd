"""AutoAugment's policy for ImageNet (Cubuk et al. 2018, arXiv:1805.09501, Table 9), as torchvision has it."""

import jax
import jax.numpy as jnp
import numpy as np

from zoo.training.augment.operations import AugmentOperation, apply_operations
from zoo.training.augment.torchvision_amounts import rand_augment_amounts, torchvision_amounts
from zoo.training.augment.warp import Interpolation

_O = AugmentOperation
# 25 pairs of operations, of which each image gets one; an operation, its probability, and its magnitude, 0 to 9.
IMAGENET_POLICY = (
    ((_O.POSTERIZE, 0.4, 8), (_O.ROTATE, 0.6, 9)),
    ((_O.SOLARIZE, 0.6, 5), (_O.AUTOCONTRAST, 0.6, 0)),
    ((_O.EQUALIZE, 0.8, 0), (_O.EQUALIZE, 0.6, 0)),
    ((_O.POSTERIZE, 0.6, 7), (_O.POSTERIZE, 0.6, 6)),
    ((_O.EQUALIZE, 0.4, 0), (_O.SOLARIZE, 0.2, 4)),
    ((_O.EQUALIZE, 0.4, 0), (_O.ROTATE, 0.8, 8)),
    ((_O.SOLARIZE, 0.6, 3), (_O.EQUALIZE, 0.6, 0)),
    ((_O.POSTERIZE, 0.8, 5), (_O.EQUALIZE, 1.0, 0)),
    ((_O.ROTATE, 0.2, 3), (_O.SOLARIZE, 0.6, 8)),
    ((_O.EQUALIZE, 0.6, 0), (_O.POSTERIZE, 0.4, 6)),
    ((_O.ROTATE, 0.8, 8), (_O.COLOUR, 0.4, 0)),
    ((_O.ROTATE, 0.4, 9), (_O.EQUALIZE, 0.6, 0)),
    ((_O.EQUALIZE, 0.0, 0), (_O.EQUALIZE, 0.8, 0)),
    ((_O.INVERT, 0.6, 0), (_O.EQUALIZE, 1.0, 0)),
    ((_O.COLOUR, 0.6, 4), (_O.CONTRAST, 1.0, 8)),
    ((_O.ROTATE, 0.8, 8), (_O.COLOUR, 1.0, 2)),
    ((_O.COLOUR, 0.8, 8), (_O.SOLARIZE, 0.8, 7)),
    ((_O.SHARPNESS, 0.4, 7), (_O.INVERT, 0.6, 0)),
    ((_O.SHEAR_X, 0.6, 5), (_O.EQUALIZE, 1.0, 0)),
    ((_O.COLOUR, 0.4, 0), (_O.EQUALIZE, 0.6, 0)),
    ((_O.EQUALIZE, 0.4, 0), (_O.SOLARIZE, 0.2, 4)),
    ((_O.SOLARIZE, 0.6, 5), (_O.AUTOCONTRAST, 0.6, 0)),
    ((_O.INVERT, 0.6, 0), (_O.EQUALIZE, 1.0, 0)),
    ((_O.COLOUR, 0.6, 4), (_O.CONTRAST, 1.0, 8)),
    ((_O.EQUALIZE, 0.8, 0), (_O.EQUALIZE, 0.6, 0)),
)
LARGEST_MAGNITUDE = 9


def auto_augment(
    key: jax.Array, images: jax.Array, fill: tuple[float, ...], interpolation: Interpolation = "nearest"
) -> jax.Array:
    """Images [batch, height, width, 1 or 3] in 0..1, each changed by a random pair of the policy's operations.

    `fill` has one value per channel, for pixels from outside an image.
    """

    def change(images: jax.Array, drawn: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        operation, magnitude = drawn
        amount = policy_amounts(operation, magnitude, *images.shape[1:3])
        return apply_operations(images, operation, amount, fill, interpolation), None

    return jax.lax.scan(change, images, random_pairs(key, len(images)))[0]


def random_pairs(key: jax.Array, batch: int) -> tuple[jax.Array, jax.Array]:
    """Two `AugmentOperation`s per image, int32 [2, batch], and their magnitudes with random signs, [2, batch]."""
    pair_key, applied_key, sign_key = jax.random.split(key, 3)
    pair = jax.random.randint(pair_key, (batch,), 0, len(IMAGENET_POLICY))
    operation, probability, magnitude = (jnp.asarray(column[pair].T) for column in _columns())
    applied = jax.random.uniform(applied_key, (2, batch), jnp.float32) < probability
    negative = jax.random.bernoulli(sign_key, shape=(2, batch))
    operation = jnp.where(applied, operation, AugmentOperation.IDENTITY).astype(jnp.int32)
    return operation, jnp.where(negative, -magnitude, magnitude)


def policy_amounts(operation: jax.Array, magnitude: jax.Array, height: int, width: int) -> jax.Array:
    """float32 [batch]: the amounts of operations [batch] at signed magnitudes [batch], for images of this size."""
    return torchvision_amounts(operation, magnitude / LARGEST_MAGNITUDE, rand_augment_amounts(height, width))


def _columns() -> tuple[jax.Array, jax.Array, jax.Array]:
    """The operations, probabilities and magnitudes of the policy, each [25, 2]."""
    table = np.array(IMAGENET_POLICY, np.float32)
    return jnp.asarray(table[..., 0], jnp.int32), jnp.asarray(table[..., 1]), jnp.asarray(table[..., 2])
