"""The images that excite each unit of a layer most, of a whole data set: the right half of the paper's Figure 2."""

from dataclasses import dataclass

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from zoo.data import Preprocessing
from zoo.errors import ZooError
from zoo.models.variables import Variables
from zoo.visualize.methods.compiled import compiled
from zoo.visualize.methods.image_batches import Images, batches_of
from zoo.visualize.methods.layers import check_finite, layer_shapes, output_of, spatial_shape
from zoo.visualize.methods.receptive_boxes import receptive_boxes

# Values, images and places in the flattened map, each [units, k], the strongest first.
Best = tuple[jax.Array, jax.Array, jax.Array]


@dataclass(frozen=True, eq=False)
class TopActivations:
    """The strongest activations of every unit of a layer, at most one an image, the strongest first.

    `values` [units, k]; `images` [units, k] are indices into what was searched; `places` [units, k, 2] are (row,
    column) in the map; `boxes` [units, k, 4] are (top, left, bottom, right) of what such a place sees, in pixels of the
    prepared image, and reach beyond its borders where the network pads: `patch` cuts them out.
    """

    layer: str
    values: np.ndarray
    images: np.ndarray
    places: np.ndarray
    boxes: np.ndarray


def top_activations(
    model: nn.Module,
    variables: Variables,
    images: Images,
    layer: str,
    k: int = 9,
    *,
    preprocessing: Preprocessing | None = None,
    batch_size: int = 64,
) -> TopActivations:
    """The `k` strongest activations of every unit of `layer`, over all of the images; fewer where there are fewer.

    `images` are a `zoo.data.Dataset` (its test split) or `Source`, with the weights' `preprocessing`; or normalised
    floats, one array [n, height, width, channel] or batches of those. They are read once, a batch at a time, and only
    the strongest are kept. Raises ZooError where there is no such layer, and where values are not finite.
    """
    if k < 1:
        raise ZooError(f"k is {k}: it is 1 at least")
    run, best, first = None, None, 0
    for batch, count in batches_of(images, preprocessing, batch_size):
        prepared = jax.eval_shape(lambda batch: _normalized(preprocessing, batch), batch)
        if run is None:
            shape = spatial_shape(model, layer_shapes(model, variables, prepared), layer)
            run, best = compiled(_merged, model, layer, preprocessing), nothing(shape[-1], k)
            image_shape, variables = prepared.shape[1:], jax.device_put(variables)
        elif prepared.shape[1:] != image_shape:
            raise ZooError(f"images of {prepared.shape[1:]} follow images of {image_shape}: all have one shape")
        best, first = run(variables, best, batch, first, count), first + count
    if best is None:
        raise ZooError("there are no images: give one at least")
    return located(model, layer, image_shape, shape[1:3], best, first)


def located(
    model: nn.Module,
    layer: str,
    image_shape: tuple[int, int, int],
    size: tuple[int, int],
    best: Best,
    images: int,
) -> TopActivations:
    """What `stronger` found in so many images, in maps of `size` (rows, columns).

    Raises ZooError where values are not finite.
    """
    values, indices, at = (array[:, :images] for array in jax.device_get(best))
    check_finite(model, layer, values)
    places = np.stack(np.unravel_index(at, size), axis=-1)
    return TopActivations(layer, values, indices, places, receptive_boxes(model, image_shape, layer, places))


def _normalized(preprocessing: Preprocessing | None, images: jax.Array) -> jax.Array:
    if images.dtype == jnp.uint8 and preprocessing is not None:
        return preprocessing.normalized(images)
    return images


def nothing(units: int, k: int) -> Best:
    """What `stronger` begins with."""
    # With types of their own, or what takes them would be compiled again for what it gives.
    indices = jnp.full((units, k), -1, jnp.int32)
    return jnp.full((units, k), -jnp.inf, jnp.float32), indices, jnp.zeros_like(indices)


def _merged(
    model: nn.Module,
    layer: str,
    preprocessing: Preprocessing | None,
    variables: Variables,
    best: Best,
    images: jax.Array,
    first: jax.Array,
    count: jax.Array,
) -> Best:
    return stronger(best, output_of(model, layer, variables, _normalized(preprocessing, images)), first, count)


def stronger(best: Best, output: jax.Array, first: jax.Array, count: jax.Array) -> Best:
    """The strongest of those so far and of a layer's output for a batch, of equals the earlier image; to be traced.

    `first` is the index of the batch's first image, and `count` how many of it are images, the rest padding.
    """
    maps = output.astype(jnp.float32).reshape(len(output), -1, output.shape[-1])
    index = jnp.arange(len(maps))[:, None]
    found = (
        jnp.where(index < count, maps.max(axis=1), -jnp.inf).T,
        jnp.broadcast_to(first + index, maps[:, 0].shape).T,
        maps.argmax(axis=1).T,
    )
    values, indices, at = (jnp.concatenate([old, new], axis=1) for old, new in zip(best, found, strict=True))
    values, chosen = jax.lax.top_k(values, best[0].shape[1])
    return values, jnp.take_along_axis(indices, chosen, axis=1), jnp.take_along_axis(at, chosen, axis=1)
