"""Affine maps of images, interpolated as PIL does."""

from typing import Literal

import jax
import jax.numpy as jnp

Interpolation = Literal["nearest", "bilinear", "bicubic"]


def warp(
    images: jax.Array, maps: jax.Array, fill: tuple[float, ...], interpolation: Interpolation = "nearest"
) -> jax.Array:
    """Images [batch, height, width, channel] in 0..1, warped by inverse affine maps [batch, 2, 3].

    The same as PIL's `transform` with AFFINE: a position outside the image is `fill`, per channel, one inside is
    interpolated from the pixels around it, of which those beyond the border are as the border's.
    """
    batch, height, width, channels = images.shape
    y, x = jnp.meshgrid(jnp.arange(height) + 0.5, jnp.arange(width) + 0.5, indexing="ij")
    maps = maps.astype(jnp.float32)[:, :, :, None, None]
    x, y = (maps[:, i, 0] * x + maps[:, i, 1] * y + maps[:, i, 2] for i in (0, 1))
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    pixels, values = images.reshape(batch, -1, channels), jnp.zeros((), images.dtype)
    for row, row_weight in taps(y, height, interpolation):
        for column, column_weight in taps(x, width, interpolation):
            index = jnp.where(inside, row * width + column, 0).reshape(batch, -1, 1)
            taken = jnp.take_along_axis(pixels, index, axis=1, mode="clip").reshape(images.shape)
            values += taken * (row_weight * column_weight)[..., None]
    if interpolation == "bicubic":
        values = jnp.clip(values, 0, 1)
    return jnp.where(inside[..., None], values, jnp.array(fill, images.dtype))


def taps(position: jax.Array, size: int, interpolation: Interpolation) -> list[tuple[jax.Array, jax.Array]]:
    """The indices of the pixels along an axis that a position is interpolated from, and their weights."""
    if interpolation == "nearest":
        return [(jnp.floor(position).astype(jnp.int32), jnp.ones((), position.dtype))]
    # A pixel's value is at its center.
    before = jnp.floor(position - 0.5)
    share = position - 0.5 - before
    weights = bilinear_weights(share) if interpolation == "bilinear" else bicubic_weights(share)
    first = before.astype(jnp.int32) + 1 - len(weights) // 2
    return [(jnp.clip(first + offset, 0, size - 1), weight) for offset, weight in enumerate(weights)]


def bilinear_weights(share: jax.Array) -> tuple[jax.Array, ...]:
    """The weights of two pixels, `share` of the way from the first to the second."""
    return 1 - share, share


def bicubic_weights(share: jax.Array) -> tuple[jax.Array, ...]:
    """The weights of four pixels, `share` of the way from the second to the third: PIL's, with a slope of -1."""
    square, cube = share**2, share**3
    return (
        -share + 2 * square - cube,
        1 - 2 * square + cube,
        share + square - cube,
        -square + cube,
    )
