"""RandAugment (Cubuk et al. 2019, arXiv:1909.13719) as timm and torchvision have it.

Each image is changed by several operations, one after the other, each drawn uniformly for it.
"""

from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp

from zoo.training.augment.operations import AugmentOperation, amounts, apply_operations
from zoo.training.augment.torchvision_amounts import rand_augment_amounts, torchvision_amounts
from zoo.training.augment.trivial_augment import OPERATIONS as TORCHVISION_OPERATIONS
from zoo.training.augment.warp import Interpolation
from zoo.training.config.recipe import TIMM_MAGNITUDE

RandAugmentForm = Literal["timm-inc", "timm", "torchvision"]

# The largest magnitude of timm's operations, and of torchvision's 31 bins.
LARGEST = {"timm-inc": TIMM_MAGNITUDE, "timm": TIMM_MAGNITUDE, "torchvision": 30}
# timm's `_RAND_TRANSFORMS`: all operations but the identity, for which each is left out half the time.
TIMM_OPERATIONS = tuple(AugmentOperation)[1:]
TIMM_PROBABILITY = 0.5
TRANSLATION = 0.45


@dataclass(frozen=True)
class RandAugment:
    """How images are changed: timm's `rand-m9-mstd0.5-inc1` is `RandAugment(9, deviation=0.5)`.

    `magnitude` is 0 to 10, with the form `torchvision` 0 to 30. In timm's forms each operation has a magnitude of its
    own, drawn around that with a standard `deviation`, and is left out with probability 0.5. `timm-inc` is timm's
    `inc1`: all operations change an image more at a larger magnitude, where those of `timm`, as in the TPU program of
    EfficientNet, posterize, solarize and enhance less.
    """

    magnitude: float
    operations: int = 2
    deviation: float = 0.0
    form: RandAugmentForm = "timm-inc"


def rand_augment(
    key: jax.Array,
    images: jax.Array,
    settings: RandAugment,
    fill: tuple[float, ...],
    interpolation: Interpolation = "nearest",
) -> jax.Array:
    """Images [batch, height, width, 1 or 3] in 0..1, changed; `fill` has one value per channel."""

    def change(images: jax.Array, key: jax.Array) -> tuple[jax.Array, None]:
        operation, magnitude = random_magnitudes(key, len(images), settings)
        amount = rand_amounts(operation, magnitude, settings.form, *images.shape[1:3])
        return apply_operations(images, operation, amount, fill, interpolation), None

    # A loop of the device: the operations are compiled once, however often they are applied.
    return jax.lax.scan(change, images, jax.random.split(key, settings.operations))[0]


def random_magnitudes(key: jax.Array, batch: int, settings: RandAugment) -> tuple[jax.Array, jax.Array]:
    """An `AugmentOperation`, int32 [batch], and its magnitude with a random sign, float32 [batch]."""
    operation_key, applied_key, level_key, sign_key = jax.random.split(key, 4)
    level = jnp.full(batch, settings.magnitude, jnp.float32)
    if settings.form == "torchvision":
        operation = jax.random.randint(operation_key, (batch,), 0, TORCHVISION_OPERATIONS)
    else:
        operation = jax.random.randint(operation_key, (batch,), 1, 1 + len(TIMM_OPERATIONS))
        applied = jax.random.bernoulli(applied_key, TIMM_PROBABILITY, (batch,))
        operation = jnp.where(applied, operation, AugmentOperation.IDENTITY)
        level += settings.deviation * jax.random.normal(level_key, (batch,), jnp.float32)
    level = jnp.clip(level, 0, LARGEST[settings.form])
    return operation.astype(jnp.int32), jnp.where(jax.random.bernoulli(sign_key, shape=(batch,)), level, -level)


def rand_amounts(
    operation: jax.Array, magnitude: jax.Array, form: RandAugmentForm, height: int, width: int
) -> jax.Array:
    """float32 [batch]: the amounts of operations [batch] at signed magnitudes [batch], for images of this size."""
    share = magnitude / LARGEST[form]
    if form == "torchvision":
        return torchvision_amounts(operation, share, rand_augment_amounts(height, width))
    return timm_amounts(operation, share, height, width, increasing=form == "timm-inc")


def timm_amounts(operation: jax.Array, share: jax.Array, height: int, width: int, *, increasing: bool) -> jax.Array:
    """float32 [batch]: the amounts of timm's operations, for shares of the largest magnitude in -1..1."""
    level = jnp.abs(share)
    kept_bits, threshold = jnp.floor(level * 4), jnp.floor(level * 256)
    # The largest negative amount is that of a factor of 0.1.
    enhancement = share * 0.9 if increasing else level * 1.8 - 0.9
    return amounts(
        operation,
        {
            AugmentOperation.SHEAR_X: share * 0.3,
            AugmentOperation.SHEAR_Y: share * 0.3,
            AugmentOperation.TRANSLATE_X: share * TRANSLATION * width,
            AugmentOperation.TRANSLATE_Y: share * TRANSLATION * height,
            AugmentOperation.ROTATE: share * 30,
            AugmentOperation.BRIGHTNESS: enhancement,
            AugmentOperation.COLOUR: enhancement,
            AugmentOperation.CONTRAST: enhancement,
            AugmentOperation.SHARPNESS: enhancement,
            AugmentOperation.POSTERIZE: 4 - kept_bits if increasing else kept_bits,
            AugmentOperation.SOLARIZE: 256 - threshold if increasing else threshold,
            AugmentOperation.SOLARIZE_ADD: jnp.minimum(jnp.floor(level * 110), 128),
        },
    )
