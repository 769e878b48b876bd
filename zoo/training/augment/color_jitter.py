"""Random brightness, contrast, saturation and hue, in random order (torchvision's ColorJitter)."""

import jax
import jax.numpy as jnp

from zoo.training.augment.enhancement import blend_with, luma, mean_luma

BRIGHTNESS, CONTRAST, SATURATION, HUE = range(4)
CHANGES = 4


def color_jitter(key: jax.Array, images: jax.Array, jitter: float, hue: float = 0.0) -> jax.Array:
    """Images [batch, height, width, 1 or 3] in 0..1, each with factors and an order of its own.

    The factors of brightness, contrast and saturation are uniform from 1 - `jitter`, at least 0, to 1 + `jitter`, and
    the hue is turned by a share of the color circle that is uniform from -`hue` to `hue`.
    """
    order, amount = random_changes(key, len(images), jitter, hue)
    return jitter_images(images, order, amount, with_hue=hue > 0)


def random_changes(key: jax.Array, batch: int, jitter: float, hue: float) -> tuple[jax.Array, jax.Array]:
    """The order of the changes, int [4, batch], and the amount of each kind, float32 [batch, 4]: three factors, hue."""
    order_key, amount_key = jax.random.split(key)
    order = jnp.argsort(jax.random.uniform(order_key, (CHANGES, batch), jnp.float32), axis=0)
    low = jnp.array([max(1 - jitter, 0)] * HUE + [-hue], jnp.float32)
    high = jnp.array([1 + jitter] * HUE + [hue], jnp.float32)
    return order, low + (high - low) * jax.random.uniform(amount_key, (batch, CHANGES), jnp.float32)


def jitter_images(images: jax.Array, order: jax.Array, amount: jax.Array, *, with_hue: bool = True) -> jax.Array:
    """Images changed in the `order`, int [4, batch], by the `amount` of each kind, [batch, 4]."""

    def change(images: jax.Array, which: jax.Array) -> tuple[jax.Array, None]:
        of_image = jnp.take_along_axis(amount, which[:, None], axis=1)[:, :, None, None].astype(images.dtype)
        which = which[:, None, None, None]
        without = [jnp.zeros((), images.dtype), mean_luma(images), luma(images)]
        other = jnp.select([which == kind for kind in (BRIGHTNESS, CONTRAST, SATURATION)], without, images)
        changed = blend_with(images, other, of_image)
        if with_hue and images.shape[-1] == 3:
            changed = jnp.where(which == HUE, turn_hue(images, of_image), changed)
        return changed, None

    return jax.lax.scan(change, images, order)[0]


def turn_hue(images: jax.Array, turn: jax.Array) -> jax.Array:
    """RGB images with the hue turned by a share of the color circle, as torchvision's `adjust_hue` (HSV)."""
    hue, saturation, value = rgb_to_hsv(images)
    return hsv_to_rgb((hue + turn[..., 0]) % 1, saturation, value)


def rgb_to_hsv(images: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Hue, saturation and value [batch, height, width] in 0..1 of RGB images; a grey pixel has the hue 0."""
    red, green, blue = (images[..., channel] for channel in range(3))
    value, smallest = images.max(-1), images.min(-1)
    spread = value - smallest
    safe = jnp.where(spread > 0, spread, 1)
    sector = jnp.select(
        [spread == 0, value == red, value == green],
        [jnp.zeros((), images.dtype), (green - blue) / safe, 2 + (blue - red) / safe],
        4 + (red - green) / safe,
    )
    return sector / 6 % 1, spread / jnp.where(value > 0, value, 1), value


def hsv_to_rgb(hue: jax.Array, saturation: jax.Array, value: jax.Array) -> jax.Array:
    """RGB images [batch, height, width, 3] of hue, saturation and value in 0..1."""
    # Each channel falls from the value within one sector of the circle, and is lowest for two more.
    sector = (hue[..., None] * 6 + jnp.array([5.0, 3.0, 1.0], hue.dtype)) % 6
    fall = jnp.clip(jnp.minimum(sector, 4 - sector), 0, 1)
    return value[..., None] * (1 - saturation[..., None] * fall)
