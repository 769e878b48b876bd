"""Images that lack a property, such as colour, and blending with them (PIL's ImageEnhance)."""

import jax
import jax.numpy as jnp

# Of ITU-R BT.601, as in PIL.
LUMA = (0.299, 0.587, 0.114)


def blend_with(images: jax.Array, other: jax.Array, factor: jax.Array) -> jax.Array:
    """Images in 0..1 blended with, or beyond 1 extrapolated from, others: a factor of 1 is the image, 0 the other."""
    return jnp.clip(other + factor * (images - other), 0, 1)


def luma(images: jax.Array) -> jax.Array:
    """[batch, height, width, 1]: the luma of the pixels."""
    if images.shape[-1] == 1:
        return images
    red, green, blue = (images[..., channel : channel + 1] for channel in range(3))
    return LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue


def mean_luma(images: jax.Array) -> jax.Array:
    """[batch, 1, 1, 1]: the mean luma of an image."""
    return luma(images).mean((1, 2, 3), keepdims=True)


def smooth(images: jax.Array) -> jax.Array:
    """The mean of 3x3 pixels, the center with weight five; border pixels do not change (PIL's SMOOTH)."""
    _, height, width, _ = images.shape
    padded = jnp.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    rows = padded[:, :height] + padded[:, 1 : 1 + height] + padded[:, 2 : 2 + height]
    around = rows[:, :, :width] + rows[:, :, 1 : 1 + width] + rows[:, :, 2 : 2 + width]
    y, x = jnp.arange(height)[:, None, None], jnp.arange(width)[:, None]
    inner = (y > 0) & (y < height - 1) & (x > 0) & (x < width - 1)
    return jnp.where(inner, (around + 4 * images) / 13, images)
