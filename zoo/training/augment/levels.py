"""Maps of the grey levels 0 to 255 of images [batch, height, width, channel] (PIL's ImageOps)."""

import jax
import jax.numpy as jnp

WHITE = 255


def to_levels(images: jax.Array) -> jax.Array:
    """The grey levels of images in 0..1."""
    return jnp.round(images * WHITE)


def posterize(levels: jax.Array, bits: jax.Array) -> jax.Array:
    """Keep the upper `bits` of the levels, 0 to 8."""
    unit = (1 << (8 - bits.astype(jnp.int32))).astype(levels.dtype)
    return jnp.floor(levels / unit) * unit


def solarize(levels: jax.Array, threshold: jax.Array) -> jax.Array:
    """Invert the levels from `threshold` on."""
    # Thresholds are often whole numbers, which a computed one may miss in its last bit.
    return jnp.where(levels >= threshold - 1e-3, WHITE - levels, levels)


def solarize_add(levels: jax.Array, added: jax.Array) -> jax.Array:
    """Add to the levels under 128."""
    return jnp.where(levels < 128, jnp.minimum(levels + added, WHITE), levels)


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
