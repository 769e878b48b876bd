"""TrivialAugment "wide" (Mueller and Hutter 2021): per image one operation and one strength, both drawn uniformly.

A whole batch is augmented at once: five operations are affine maps, four blend with another image, and four map the
256 grey levels to other values. All agree with PIL.
"""

from enum import IntEnum, auto

import jax
import jax.numpy as jnp

# Strengths are the integers from 0 to 30; the constants below are the amounts at 30.
STRONGEST = 30
SHEAR = 0.99
# Pixels, independent of the image size, as in the paper.
TRANSLATION = 32
DEGREES = 135
ENHANCEMENT = 0.99
MIN_BITS = 2

# Of ITU-R BT.601, as in PIL.
LUMA = (0.299, 0.587, 0.114)
WHITE = 255


class AugmentOperation(IntEnum):
    """The operations of "wide" in the paper's Table 1."""

    IDENTITY = 0
    SHEAR_X = auto()
    SHEAR_Y = auto()
    TRANSLATE_X = auto()
    TRANSLATE_Y = auto()
    ROTATE = auto()
    BRIGHTNESS = auto()
    COLOUR = auto()
    CONTRAST = auto()
    SHARPNESS = auto()
    POSTERIZE = auto()
    SOLARIZE = auto()
    AUTOCONTRAST = auto()
    EQUALIZE = auto()


def trivial_augment(key: jax.Array, images: jax.Array, fill: tuple[float, ...]) -> jax.Array:
    """Images [batch, height, width, 1 or 3] in 0..1, each changed by one random operation.

    `fill` has one value per channel, for pixels from outside an image.
    """
    operation, strength = random_operations(key, len(images))
    return apply_operations(images, operation, strength, fill)


def random_operations(key: jax.Array, batch: int) -> tuple[jax.Array, jax.Array]:
    """An `AugmentOperation` and a strength from -30 to 30 per image, both int32 [batch]."""
    outcomes = jnp.array([len(AugmentOperation), STRONGEST + 1, 2])
    draws = jnp.floor(jax.random.uniform(key, (batch, 3), jnp.float32) * outcomes).astype(jnp.int32)
    operation, strength, negative = draws.T
    return operation, jnp.where(negative, -strength, strength)


def apply_operations(
    images: jax.Array, operation: jax.Array, strength: jax.Array, fill: tuple[float, ...]
) -> jax.Array:
    """Apply to each image its operation, int [batch], at its strength, -30 to 30; some operations ignore the sign."""
    # Only one of the three has an effect on an image. XLA fuses them, and in this order repeats the least work.
    images = warp(images, inverse_maps(operation, strength, *images.shape[1:3]), fill)
    images = map_levels(images, operation, jnp.abs(strength))
    return enhance(images, operation, strength)


def inverse_maps(operation: jax.Array, strength: jax.Array, height: int, width: int) -> jax.Array:
    """[batch, 2, 3]: the affine maps from (x, y, 1) in the result to (x, y) in the image, as PIL's AFFINE."""

    def amount(selected: AugmentOperation, values: jax.Array) -> jax.Array:
        return jnp.where(operation == selected, values, 0)

    shear, translation = strength * SHEAR / STRONGEST, jnp.trunc(strength * TRANSLATION / STRONGEST)
    angle = amount(AugmentOperation.ROTATE, jnp.radians(strength * DEGREES / STRONGEST))
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    x, y = width / 2, height / 2
    to_x = [
        cos,
        amount(AugmentOperation.SHEAR_X, shear) - sin,
        amount(AugmentOperation.TRANSLATE_X, translation) + x - cos * x + sin * y,
    ]
    to_y = [
        amount(AugmentOperation.SHEAR_Y, shear) + sin,
        cos,
        amount(AugmentOperation.TRANSLATE_Y, translation) + y - sin * x - cos * y,
    ]
    return jnp.stack([jnp.stack(to_x, -1), jnp.stack(to_y, -1)], axis=1)


def warp(images: jax.Array, maps: jax.Array, fill: tuple[float, ...]) -> jax.Array:
    """Images warped by inverse affine maps [batch, 2, 3], nearest neighbour; `fill`, per channel, outside of them."""
    batch, height, width, channels = images.shape
    y, x = jnp.meshgrid(jnp.arange(height) + 0.5, jnp.arange(width) + 0.5, indexing="ij")
    weights = maps[:, :, :, None, None]
    x, y = (jnp.floor(weights[:, i, 0] * x + weights[:, i, 1] * y + weights[:, i, 2]).astype(jnp.int32) for i in (0, 1))
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    index = jnp.where(inside, y * width + x, 0).reshape(batch, -1, 1)
    pixels = jnp.take_along_axis(images.reshape(batch, -1, channels), index, axis=1, mode="clip")
    return jnp.where(inside[..., None], pixels.reshape(images.shape), jnp.array(fill, images.dtype))


def enhance(images: jax.Array, operation: jax.Array, strength: jax.Array) -> jax.Array:
    """Brightness, colour, contrast and sharpness: extrapolation from, or blending with, an image that lacks it.

    The same as PIL's ImageEnhance.
    """
    operation = operation[:, None, None, None]
    factor = 1 + (strength * ENHANCEMENT / STRONGEST).astype(images.dtype)[:, None, None, None]
    grey = luma(images)
    without = {
        AugmentOperation.BRIGHTNESS: jnp.zeros((), images.dtype),
        AugmentOperation.COLOUR: grey,
        AugmentOperation.CONTRAST: grey.mean((1, 2, 3), keepdims=True),
        AugmentOperation.SHARPNESS: smooth(images),
    }
    other = jnp.select([operation == which for which in without], list(without.values()), images)
    return jnp.clip(other + factor * (images - other), 0, 1)


def luma(images: jax.Array) -> jax.Array:
    """[batch, height, width, 1]: the luma of the pixels."""
    if images.shape[-1] == 1:
        return images
    return sum(weight * images[..., i : i + 1] for i, weight in enumerate(LUMA))


def smooth(images: jax.Array) -> jax.Array:
    """The mean of 3x3 pixels, the center with weight five; border pixels do not change (PIL's SMOOTH)."""
    _, height, width, _ = images.shape
    padded = jnp.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    rows = sum(padded[:, i : i + height] for i in range(3))
    around = sum(rows[:, :, i : i + width] for i in range(3))
    y, x = jnp.arange(height)[:, None, None], jnp.arange(width)[:, None]
    inner = (y > 0) & (y < height - 1) & (x > 0) & (x < width - 1)
    return jnp.where(inner, (around + 4 * images) / 13, images)


def map_levels(images: jax.Array, operation: jax.Array, strength: jax.Array) -> jax.Array:
    """Posterize, solarize, autocontrast and equalize: a map of the grey levels 0 to 255 (PIL's ImageOps)."""
    operation, strength = operation[:, None, None, None], strength[:, None, None, None]
    levels = jnp.round(images * WHITE)
    new = {
        AugmentOperation.POSTERIZE: posterize(levels, strength),
        AugmentOperation.SOLARIZE: jnp.where(levels >= WHITE - strength * (WHITE / STRONGEST), WHITE - levels, levels),
        AugmentOperation.AUTOCONTRAST: autocontrast(levels),
        AugmentOperation.EQUALIZE: equalize(levels),
    }
    chosen = [operation == which for which in new]
    return jnp.select(chosen, [values / WHITE for values in new.values()], images)


def posterize(levels: jax.Array, strength: jax.Array) -> jax.Array:
    """Keep the upper 8 to 2 bits of the levels."""
    dropped = jnp.round(strength * (8 - MIN_BITS) / STRONGEST).astype(jnp.int32)
    unit = (1 << dropped).astype(levels.dtype)
    return jnp.floor(levels / unit) * unit


def autocontrast(levels: jax.Array) -> jax.Array:
    """Scale each channel so that its darkest level is 0 and its brightest 255; a constant channel does not change."""
    darkest, brightest = levels.min((1, 2), keepdims=True), levels.max((1, 2), keepdims=True)
    # Adding a half keeps the quotient away from integers, so that rounding of the division does not matter.
    new = jnp.floor(((levels - darkest) * WHITE + 0.5) / (brightest - darkest))
    return jnp.where(brightest > darkest, new, levels)


def equalize(levels: jax.Array) -> jax.Array:
    """Equalize each channel's histogram; images with too few pixels do not change."""
    batch, height, width, channels = levels.shape
    flat = levels.astype(jnp.int32).reshape(batch, -1, channels)
    counts = jax.vmap(jax.vmap(histogram, in_axes=1, out_axes=1))(flat)
    darker = jnp.take_along_axis(jnp.cumsum(counts, axis=1) - counts, flat, axis=1, mode="clip")
    brightest_count = (levels == levels.max((1, 2), keepdims=True)).sum((1, 2), keepdims=True)
    step = (height * width - brightest_count) // WHITE
    share = (darker.reshape(levels.shape) + step // 2 + 0.5) / jnp.maximum(step, 1)
    return jnp.where(step > 0, jnp.minimum(jnp.floor(share), WHITE), levels).astype(levels.dtype)


def histogram(levels: jax.Array) -> jax.Array:
    """int32 [256]: how often each of the levels 0 to 255 occurs in `levels` [n]."""
    return jnp.zeros(WHITE + 1, jnp.int32).at[levels].add(1)
