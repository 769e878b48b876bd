"""TrivialAugment, "wide" (Mueller and Hutter 2021): one operation and one strength an image, both drawn uniformly.

A batch is changed at once: five operations are one map of places an image, four are one blend with another image, and
four give the 256 grey levels other values.
"""

from enum import IntEnum, auto

import jax
import jax.numpy as jnp

# Strengths are 0 to 30 thirtieths of the strongest.
STRONGEST = 30
SHEAR = 0.99
# Pixels, whatever the image's size, as in the paper.
TRANSLATION = 32
DEGREES = 135
ENHANCEMENT = 0.99
FEWEST_BITS = 2

# Of ITU-R BT.601, as in PIL.
LUMA = (0.299, 0.587, 0.114)
WHITE = 255


class Operation(IntEnum):
    """What may happen to an image; "wide" of the paper's Table 1, without inversion."""

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


def trivially_augmented(key: jax.Array, images: jax.Array, fill: tuple[float, ...]) -> jax.Array:
    """Images [batch, height, width, 1 or 3] in 0..1, each changed by one operation; `fill` comes in from outside."""
    operation, strength = drawn(key, len(images))
    return changed(images, operation, strength, fill)


def drawn(key: jax.Array, batch: int) -> tuple[jax.Array, jax.Array]:
    """An operation and a strength, -30 to 30, for each image, int [batch]."""
    outcomes = jnp.array([len(Operation), STRONGEST + 1, 2])
    draws = jnp.floor(jax.random.uniform(key, (batch, 3), jnp.float32) * outcomes).astype(jnp.int32)
    operation, strength, negative = draws.T
    return operation, jnp.where(negative, -strength, strength)


def changed(images: jax.Array, operation: jax.Array, strength: jax.Array, fill: tuple[float, ...]) -> jax.Array:
    """Each image by its Operation at its strength, -30 to 30, of which some take the size alone."""
    # Only one of the three has an effect. In this order XLA, which fuses them, computes least twice.
    images = moved(images, inverse_maps(operation, strength, *images.shape[1:3]), fill)
    images = releveled(images, operation, jnp.abs(strength))
    return blended(images, operation, strength)


def inverse_maps(operation: jax.Array, strength: jax.Array, height: int, width: int) -> jax.Array:
    """[batch, 2, 3]: from the (x, y, 1) of a place in the result to the (x, y) it comes from, as PIL's AFFINE."""

    def amount(wanted: Operation, values: jax.Array) -> jax.Array:
        return jnp.where(operation == wanted, values, 0)

    shear, translation = strength * SHEAR / STRONGEST, jnp.trunc(strength * TRANSLATION / STRONGEST)
    angle = amount(Operation.ROTATE, jnp.radians(strength * DEGREES / STRONGEST))
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    x, y = width / 2, height / 2
    to_x = [
        cos,
        amount(Operation.SHEAR_X, shear) - sin,
        amount(Operation.TRANSLATE_X, translation) + x - cos * x + sin * y,
    ]
    to_y = [
        amount(Operation.SHEAR_Y, shear) + sin,
        cos,
        amount(Operation.TRANSLATE_Y, translation) + y - sin * x - cos * y,
    ]
    return jnp.stack([jnp.stack(to_x, -1), jnp.stack(to_y, -1)], axis=1)


def moved(images: jax.Array, maps: jax.Array, fill: tuple[float, ...]) -> jax.Array:
    """Each pixel from the nearest one to where its image's map says; outside is `fill`, a value a channel."""
    batch, height, width, channels = images.shape
    y, x = jnp.meshgrid(jnp.arange(height) + 0.5, jnp.arange(width) + 0.5, indexing="ij")
    weights = maps[:, :, :, None, None]
    x, y = (jnp.floor(weights[:, i, 0] * x + weights[:, i, 1] * y + weights[:, i, 2]).astype(jnp.int32) for i in (0, 1))
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    place = jnp.where(inside, y * width + x, 0).reshape(batch, -1, 1)
    pixels = jnp.take_along_axis(images.reshape(batch, -1, channels), place, axis=1, mode="clip")
    return jnp.where(inside[..., None], pixels.reshape(images.shape), jnp.array(fill, images.dtype))


def blended(images: jax.Array, operation: jax.Array, strength: jax.Array) -> jax.Array:
    """Brightness, colour, contrast and sharpness: away from, or towards, an image without it (PIL's ImageEnhance)."""
    operation = operation[:, None, None, None]
    factor = 1 + (strength * ENHANCEMENT / STRONGEST).astype(images.dtype)[:, None, None, None]
    grey = luma(images)
    without = {
        Operation.BRIGHTNESS: jnp.zeros((), images.dtype),
        Operation.COLOUR: grey,
        Operation.CONTRAST: grey.mean((1, 2, 3), keepdims=True),
        Operation.SHARPNESS: smoothed(images),
    }
    other = jnp.select([operation == which for which in without], list(without.values()), images)
    return jnp.clip(other + factor * (images - other), 0, 1)


def luma(images: jax.Array) -> jax.Array:
    """[batch, height, width, 1]: how bright the pixels are."""
    if images.shape[-1] == 1:
        return images
    return sum(weight * images[..., i : i + 1] for i, weight in enumerate(LUMA))


def smoothed(images: jax.Array) -> jax.Array:
    """A mean of 3x3 pixels, the middle one five times; the outermost stay as they are (PIL's SMOOTH)."""
    _, height, width, _ = images.shape
    padded = jnp.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    rows = sum(padded[:, i : i + height] for i in range(3))
    around = sum(rows[:, :, i : i + width] for i in range(3))
    y, x = jnp.arange(height)[:, None, None], jnp.arange(width)[:, None]
    inner = (y > 0) & (y < height - 1) & (x > 0) & (x < width - 1)
    return jnp.where(inner, (around + 4 * images) / 13, images)


def releveled(images: jax.Array, operation: jax.Array, strength: jax.Array) -> jax.Array:
    """Posterize, solarize, autocontrast and equalize: new values for the grey levels 0 to 255 (PIL's ImageOps)."""
    operation, strength = operation[:, None, None, None], strength[:, None, None, None]
    levels = jnp.round(images * WHITE)
    new = {
        Operation.POSTERIZE: posterized(levels, strength),
        Operation.SOLARIZE: jnp.where(levels >= WHITE - strength * (WHITE / STRONGEST), WHITE - levels, levels),
        Operation.AUTOCONTRAST: stretched(levels),
        Operation.EQUALIZE: equalized(levels),
    }
    chosen = [operation == which for which in new]
    return jnp.select(chosen, [values / WHITE for values in new.values()], images)


def posterized(levels: jax.Array, strength: jax.Array) -> jax.Array:
    """The upper 8 to 2 bits of the levels."""
    dropped = jnp.round(strength * (8 - FEWEST_BITS) / STRONGEST).astype(jnp.int32)
    unit = (1 << dropped).astype(levels.dtype)
    return jnp.floor(levels / unit) * unit


def stretched(levels: jax.Array) -> jax.Array:
    """Each channel's darkest level to 0 and its brightest to 255; where all are equal, as they are."""
    darkest, brightest = levels.min((1, 2), keepdims=True), levels.max((1, 2), keepdims=True)
    # The half keeps the quotient of whole numbers away from whole numbers, whatever the division's last bit.
    new = jnp.floor(((levels - darkest) * WHITE + 0.5) / (brightest - darkest))
    return jnp.where(brightest > darkest, new, levels)


def equalized(levels: jax.Array) -> jax.Array:
    """Each channel's levels equally often, as far as that goes; images of too few pixels stay as they are."""
    batch, height, width, channels = levels.shape
    places = levels.astype(jnp.int32).reshape(batch, -1, channels)
    counts = jax.vmap(jax.vmap(histogram, in_axes=1, out_axes=1))(places)
    darker = jnp.take_along_axis(jnp.cumsum(counts, axis=1) - counts, places, axis=1, mode="clip")
    of_brightest = (levels == levels.max((1, 2), keepdims=True)).sum((1, 2), keepdims=True)
    step = (height * width - of_brightest) // WHITE
    share = (darker.reshape(levels.shape) + step // 2 + 0.5) / jnp.maximum(step, 1)
    return jnp.where(step > 0, jnp.minimum(jnp.floor(share), WHITE), levels).astype(levels.dtype)


def histogram(levels: jax.Array) -> jax.Array:
    """How many of the levels [n] are each of 0 to 255."""
    return jnp.zeros(WHITE + 1, jnp.int32).at[levels].add(1)
