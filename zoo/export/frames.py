"""Frames of any size to the image size of a network, inside an exported program.

What `zoo.data.fitting` does with PIL, in JAX: a sum over columns and one over rows, each rounded to whole numbers as in
PIL. Sizes are traced numbers, so that those of frames may be symbolic.
"""

import jax
import jax.numpy as jnp
from jax import lax

from zoo.data import Preprocessing
from zoo.data.fitting import size_before_crop

# Of PIL's filters, in pixels of the smaller of both images.
SUPPORT = {"bilinear": 1.0, "bicubic": 2.0}
CUBIC = -0.5


def fit_frames(frames: jax.Array, preprocessing: Preprocessing) -> jax.Array:
    """uint8 [batch, any height, any width, channels] as uint8 of `image_shape`, within two grey levels of PIL."""
    height, width, _ = preprocessing.image_shape
    rows, columns = (jnp.asarray(side, jnp.int32) for side in frames.shape[1:3])
    if preprocessing.fit == "pad":
        (new_rows, top), (new_columns, left) = _padded(rows, columns, height, width)
    else:
        tall, wide = scaled_size(preprocessing)
        covers = preprocessing.fit == "resize"
        new_rows, new_columns = _covering_size(rows, columns, tall, wide) if covers else (tall, wide)
        top, left = _start_of_centre(new_rows, height), _start_of_centre(new_columns, width)
    kind = preprocessing.interpolation
    across = _weights(frames.shape[2], columns, new_columns, left, width, kind)
    down = _weights(frames.shape[1], rows, new_rows, top, height, kind)
    exact = lax.Precision.HIGHEST
    images = frames.astype(jnp.float32)
    images = _whole(jnp.einsum("bhwc,qw->bhqc", images, across, precision=exact))
    images = _whole(jnp.einsum("bhqc,ph->bpqc", images, down, precision=exact))
    return images.astype(jnp.uint8)


def scaled_size(preprocessing: Preprocessing) -> tuple[int, int]:
    """(height, width) that a frame is scaled to cover ("resize") or to have ("squash"), before its centre is cut out.

    With "pad" it is the image size.
    """
    height, width, _ = preprocessing.image_shape
    return size_before_crop(height, width, 1.0 if preprocessing.fit == "pad" else preprocessing.crop)


def frame_sizes(preprocessing: Preprocessing) -> tuple[tuple[int, int], tuple[int, int]]:
    """Two sizes of frames for a check, one scaled by half: sums of its pixels are exact, and so rounded equally."""
    height, width = scaled_size(preprocessing)
    if preprocessing.fit == "squash":
        return (height, width), (2 * height, 2 * width)
    if preprocessing.fit == "pad":
        return (max(1, height - 5), max(1, width - 2)), (2 * height, 2 * width)
    return (height, width + 6), (2 * height + 8, 2 * width)


def _whole(values: jax.Array) -> jax.Array:
    return jnp.clip(jnp.floor(values + 0.5), 0, 255)


def _covering_size(rows, columns, tall, wide):
    """The size of the image that covers `tall` and `wide`."""
    if tall == wide:
        short = jnp.minimum(rows, columns)
        return rows * tall // short, columns * wide // short
    ratio = jnp.minimum(rows / tall, columns / wide)
    return tuple(jnp.round(side / ratio).astype(jnp.int32) for side in (rows, columns))


def _start_of_centre(side, length: int):
    return jnp.round((side - length) / 2).astype(jnp.int32)


def _padded(rows, columns, height, width):
    """The size of an image that is in the target as a whole, and where the target begins in it, which is before it."""
    scale = jnp.minimum(1.0, jnp.minimum(height / rows, width / columns))
    size = (jnp.maximum(1, jnp.round(side * scale).astype(jnp.int32)) for side in (rows, columns))
    return tuple((new, -((side - new) // 2)) for new, side in zip(size, (height, width), strict=True))


def _weights(length, old, new, start, count: int, interpolation: str) -> jax.Array:
    """[count, length]: what each of the `length` pixels of an axis gives to the `count` from `start` on of `new` ones.

    A row outside of the new ones is zero.
    """
    position = start + jnp.arange(count)
    scale = old / new
    reach = jnp.maximum(scale, 1)
    centre = (position + 0.5) * scale
    distance = jnp.abs(jnp.arange(length) + 0.5 - centre[:, None]) / reach
    values = jnp.where(distance < SUPPORT[interpolation], _filter(distance, interpolation), 0)
    inside = (position >= 0) & (position < new)
    return jnp.where(inside[:, None], values / values.sum(axis=1, keepdims=True), 0)


def _filter(distance: jax.Array, interpolation: str) -> jax.Array:
    if interpolation == "bilinear":
        return 1 - distance
    near = ((CUBIC + 2) * distance - (CUBIC + 3)) * distance**2 + 1
    far = CUBIC * (((distance - 5) * distance + 8) * distance - 4)
    return jnp.where(distance < 1, near, far)
