"""TrivialAugment, "wide" (Mueller and Hutter 2021): one operation and one strength an image, both drawn uniformly.

A batch is changed at once. The geometric operations are one map of places an image, four are one blend with another
image, and four are one table of the 256 grey levels; so an image passes through three operations, not all fourteen.
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
LEVELS = 256


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
    operation_key, strength_key, sign_key = jax.random.split(key, 3)
    operation = jax.random.randint(operation_key, (batch,), 0, len(Operation))
    strength = jax.random.randint(strength_key, (batch,), 0, STRONGEST + 1)
    negative = jax.random.bernoulli(sign_key, shape=(batch,))
    return operation, jnp.where(negative, -strength, strength)


def changed(images: jax.Array, operation: jax.Array, strength: jax.Array, fill: tuple[float, ...]) -> jax.Array:
    """Each image by its Operation at its strength, -30 to 30, of which some take the size alone."""
    images = moved(images, inverse_maps(operation, strength, *images.shape[1:3]), fill)
    images = blended(images, operation, strength)
    return releveled(images, operation, jnp.abs(strength))


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
    return (images * jnp.array(LUMA, images.dtype)).sum(-1, keepdims=True)


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
    """Posterize, solarize, autocontrast and equalize: a new grey level for each of 256, an image and channel."""
    batch, _, _, channels = images.shape
    levels = jnp.round(images * (LEVELS - 1)).astype(jnp.int32).reshape(batch, -1, channels)
    counts = jax.vmap(jax.vmap(histogram, in_axes=1, out_axes=1))(levels)
    operation, strength = operation[:, None, None], strength[:, None, None]
    tables = {
        Operation.POSTERIZE: posterize_table(strength),
        Operation.SOLARIZE: solarize_table(strength),
        Operation.AUTOCONTRAST: autocontrast_table(counts),
        Operation.EQUALIZE: equalize_table(counts),
    }
    chosen = [operation == which for which in tables]
    table = jnp.select(chosen, list(tables.values()), jnp.zeros_like(counts))
    new = jnp.take_along_axis(table, levels, axis=1, mode="clip").reshape(images.shape)
    changes = jnp.any(jnp.stack(chosen), axis=0)[..., None]
    return jnp.where(changes, new.astype(images.dtype) / (LEVELS - 1), images)


def histogram(levels: jax.Array) -> jax.Array:
    """How many of the levels [n] are each of the 256."""
    return jnp.zeros(LEVELS, jnp.int32).at[levels].add(1)


# Tables are int [batch, 256, channel], or broadcast to that: what becomes of each level. As in PIL's ImageOps.


def posterize_table(strength: jax.Array) -> jax.Array:
    """The upper 8 to 2 bits."""
    dropped = jnp.round(strength * (8 - FEWEST_BITS) / STRONGEST).astype(jnp.int32)
    return (_all_levels() >> dropped) << dropped


def solarize_table(strength: jax.Array) -> jax.Array:
    """Inverted from a threshold on, which is 255 to 0."""
    level, white = _all_levels(), LEVELS - 1
    return jnp.where(level >= white - strength * (white / STRONGEST), white - level, level)


def autocontrast_table(counts: jax.Array) -> jax.Array:
    """The darkest level of an image to 0, the brightest to 255."""
    level, white = _all_levels(), LEVELS - 1
    darkest = (counts > 0).argmax(1, keepdims=True)
    brightest = white - (counts[:, ::-1] > 0).argmax(1, keepdims=True)
    spread = (level - darkest) * white // jnp.maximum(brightest - darkest, 1)
    return jnp.where(brightest > darkest, jnp.clip(spread, 0, white), level)


def equalize_table(counts: jax.Array) -> jax.Array:
    """All levels equally often, as far as that goes; images of too few pixels stay as they are."""
    white = LEVELS - 1
    brightest = white - (counts[:, ::-1] > 0).argmax(1, keepdims=True)
    below = jnp.cumsum(counts, axis=1) - counts
    step = (counts.sum(1, keepdims=True) - jnp.take_along_axis(counts, brightest, axis=1)) // white
    table = jnp.minimum((below + step // 2) // jnp.maximum(step, 1), white)
    return jnp.where(step > 0, table, _all_levels())


def _all_levels() -> jax.Array:
    return jnp.arange(LEVELS, dtype=jnp.int32)[:, None]
