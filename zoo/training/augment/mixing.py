"""Mixup and CutMix: each image and its target with those of another one of the batch, compiled with the step.

The other one is at the mirrored place in the batch, so that devices which share a batch exchange parts of it once, and
the result is the same on any number of them.
"""

import jax
import jax.numpy as jnp

from zoo.training.augment.augmentation import Augmentation


def mixed(
    key: jax.Array, images: jax.Array, targets: jax.Array, augmentation: Augmentation
) -> tuple[jax.Array, jax.Array]:
    """Images [batch, height, width, channel] and targets [batch, classes], mixed as the augmentation says.

    A batch is mixed in one way, by one share or box, as in the authors' programs; where there are both ways, in either
    with probability a half.
    """
    if not augmentation.mixes:
        return images, targets
    own = own_shares(key, *images.shape[1:3], augmentation)
    share = own.mean().astype(targets.dtype)
    own = own[:, :, None].astype(images.dtype)
    return own * images + (1 - own) * images[::-1], share * targets + (1 - share) * targets[::-1]


def own_shares(key: jax.Array, height: int, width: int, augmentation: Augmentation) -> jax.Array:
    """[height, width]: the weight in the mixed image of an image's own pixel."""
    way_key, share_key, box_key = jax.random.split(key, 3)
    cuts = jax.random.bernoulli(way_key) if augmentation.mixup and augmentation.cutmix else augmentation.cutmix > 0
    alpha = jnp.where(cuts, augmentation.cutmix, augmentation.mixup).astype(jnp.float32)
    share = jax.random.beta(share_key, alpha, alpha, dtype=jnp.float32)
    return jnp.where(cuts, outside_box(box_key, height, width, share), share)


def outside_box(key: jax.Array, height: int, width: int, share: jax.Array) -> jax.Array:
    """float [height, width]: 0 in a box, 1 elsewhere.

    The box has `1 - share` of the area and the image's proportions; what of it lies outside the image is lost (Yun et
    al. 2019, section 3.1).
    """
    side = jnp.sqrt(1 - share)
    row, column = jax.random.uniform(key, (2,), jnp.float32)
    rows, columns = _stretch(row, height, side), _stretch(column, width, side)
    return 1 - (rows[:, None] & columns).astype(jnp.float32)


def _stretch(middle: jax.Array, size: int, share: jax.Array) -> jax.Array:
    """bool [size]: true along `share` of it, around a place from 0, the first, to 1."""
    length = jnp.floor(size * share).astype(jnp.int32)
    start = jnp.floor(size * middle).astype(jnp.int32) - length // 2
    place = jnp.arange(size)
    return (place >= start) & (place < start + length)
