"""Mixup (Zhang et al. 2017) and CutMix (Yun et al. 2019): each image and target is mixed with another of its batch.

Its partner is at the mirrored index of the batch: devices that share a batch exchange parts of it once, and the result
does not depend on their number.
"""

import jax
import jax.numpy as jnp


def mix(
    key: jax.Array, images: jax.Array, targets: jax.Array, *, mixup: float, cutmix: float, per_image: bool = False
) -> tuple[jax.Array, jax.Array]:
    """Images [batch, height, width, channel] and targets [batch, classes], mixed by mixup or CutMix.

    `mixup` and `cutmix` are the alphas of the beta distribution of shares, 0 for no such mixing. As in the authors'
    programs a whole batch is mixed in one way, by one share or box; with both alphas, each way has probability 0.5.
    With `per_image` that is drawn for each image, as in timm's mode "elem".
    """
    if not mixup and not cutmix:
        return images, targets
    keys = jax.random.split(key, len(images)) if per_image else key[None]
    weights = jax.vmap(lambda one: mixing_weights(one, *images.shape[1:3], mixup=mixup, cutmix=cutmix))(keys)
    share = weights.mean((1, 2)).astype(targets.dtype)[:, None]
    weights = weights[..., None].astype(images.dtype)
    return weights * images + (1 - weights) * images[::-1], share * targets + (1 - share) * targets[::-1]


def mixing_weights(key: jax.Array, height: int, width: int, *, mixup: float, cutmix: float) -> jax.Array:
    """float [height, width]: the weight of an image's own pixel in the mixture."""
    way_key, share_key, box_key = jax.random.split(key, 3)
    cuts = jax.random.bernoulli(way_key) if mixup and cutmix else cutmix > 0
    alpha = jnp.where(cuts, cutmix, mixup).astype(jnp.float32)
    share = jax.random.beta(share_key, alpha, alpha, dtype=jnp.float32)
    return jnp.where(cuts, outside_box(box_key, height, width, share), share)


def outside_box(key: jax.Array, height: int, width: int, share: jax.Array) -> jax.Array:
    """float [height, width]: 0 in a box, 1 elsewhere.

    The box has `1 - share` of the area and the image's aspect ratio, and is clipped at the image's border (Yun et al.
    2019, section 3.1). Its sides are rounded down to whole pixels, as in timm's `rand_bbox`; the authors' program and
    torchvision's `CutMix` round them down to even numbers, 2 * (length // 2).
    """
    side = jnp.sqrt(1 - share)
    row, column = jax.random.uniform(key, (2,), jnp.float32)
    rows, columns = _range_around(row, height, side), _range_around(column, width, side)
    return 1 - (rows[:, None] & columns).astype(jnp.float32)


def _range_around(center: jax.Array, size: int, share: jax.Array) -> jax.Array:
    """bool [size]: true in a range of `share * size` around `center`, 0 for the first index to 1 for the end."""
    length = jnp.floor(size * share).astype(jnp.int32)
    start = jnp.floor(size * center).astype(jnp.int32) - length // 2
    index = jnp.arange(size)
    return (index >= start) & (index < start + length)
