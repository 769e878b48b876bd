"""The strongest activations of each unit over many images: right half of Zeiler and Fergus's Figure 2."""

from dataclasses import dataclass
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from zoo.data import Preprocessing
from zoo.errors import ZooError
from zoo.models.variables import Variables
from zoo.runtime.limits import TOP
from zoo.visualize.methods.image_batches import Images, iterate_batches
from zoo.visualize.methods.jit_cache import jit_cached
from zoo.visualize.methods.named_layers import check_finite, layer_output, layer_shapes, spatial_shape
from zoo.visualize.methods.receptive_boxes import receptive_boxes
from zoo.visualize.shown import shapes_text


class TopK(NamedTuple):
    """The strongest activations of each unit so far, each [units, k], the strongest first.

    `images` are indices of images, -1 for none yet; `positions` are indices into the flattened map.
    """

    values: jax.Array
    images: jax.Array
    positions: jax.Array


@dataclass(frozen=True, eq=False, repr=False)
class TopActivations:
    """The strongest activations of every unit of a layer, at most one per image, the strongest first.

    `values` [units, k]; `images` [units, k] are indices of the images; `positions` [units, k, 2] are (row, column) in
    the map; `boxes` [units, k, 4] are their receptive fields (top, left, bottom, right) in pixels of the prepared
    image. Boxes reach beyond the image where the network pads; `patch` crops them.
    """

    layer: str
    values: np.ndarray
    images: np.ndarray
    positions: np.ndarray
    boxes: np.ndarray

    def __repr__(self) -> str:
        return shapes_text(self)


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
    """Find the `k` strongest activations of every unit of `layer` over all images (fewer if there are fewer images).

    `images` are a `zoo.data.Dataset` (its test split) or a `Source`, with the weights' `preprocessing`; or normalised
    floats: one array [n, height, width, channel], or an iterable of such batches. They are read once, a batch at a
    time. Raises ZooError for an unknown layer, for no images, and for activations that are not finite.
    """
    TOP.check(k, "k")
    run, top_k, image_count = None, None, 0
    for batch, count in iterate_batches(images, preprocessing, batch_size):
        prepared = jax.eval_shape(lambda batch: _normalize(preprocessing, batch), batch)
        if run is None:
            shape = spatial_shape(model, layer_shapes(model, variables, prepared), layer)
            run, top_k = jit_cached(_update, model, layer, preprocessing), empty_top_k(shape[-1], k)
            image_shape, variables = prepared.shape[1:], jax.device_put(variables)
        elif prepared.shape[1:] != image_shape:
            raise ZooError(f"images of {prepared.shape[1:]} follow images of {image_shape}: give images of one shape")
        top_k, image_count = run(variables, top_k, batch, image_count, count), image_count + count
    if top_k is None:
        raise ZooError("there are no images: give at least one")
    return to_top_activations(
        model, layer, top_k, image_shape=image_shape, map_size=shape[1:3], image_count=image_count
    )


def to_top_activations(
    model: nn.Module,
    layer: str,
    top_k: TopK,
    *,
    image_shape: tuple[int, int, int],
    map_size: tuple[int, int],
    image_count: int,
) -> TopActivations:
    """The result of `update_top_k` over `image_count` images, for maps of `map_size` (rows, columns).

    Raises ZooError for activations that are not finite.
    """
    values, images, flat_positions = (array[:, :image_count] for array in jax.device_get(top_k))
    check_finite(model, layer, values)
    positions = np.stack(np.unravel_index(flat_positions, map_size), axis=-1)
    boxes = receptive_boxes(model, image_shape, layer, positions)
    return TopActivations(layer=layer, values=values, images=images, positions=positions, boxes=boxes)


def empty_top_k(units: int, k: int) -> TopK:
    """The start value for `update_top_k`."""
    # With explicit dtypes, so that the first update is not compiled for other types than those that follow.
    indices = jnp.full((units, k), -1, jnp.int32)
    return TopK(jnp.full((units, k), -jnp.inf, jnp.float32), indices, jnp.zeros_like(indices))


def update_top_k(top_k: TopK, output: jax.Array, first: jax.Array, count: jax.Array) -> TopK:
    """`top_k` with a layer's output [batch, rows, columns, units] for a batch; call it within `jax.jit`.

    Of equal values the earlier image wins. `first` is the index of the batch's first image; only the first `count` of
    the batch are images, the rest is padding.
    """
    maps = output.astype(jnp.float32).reshape(len(output), -1, output.shape[-1])
    index = jnp.arange(len(maps))[:, None]
    batch = TopK(
        values=jnp.where(index < count, maps.max(axis=1), -jnp.inf).T,
        images=jnp.broadcast_to(first + index, maps[:, 0].shape).T,
        positions=maps.argmax(axis=1).T,
    )
    values, images, positions = (jnp.concatenate(pair, axis=1) for pair in zip(top_k, batch, strict=True))
    values, chosen = jax.lax.top_k(values, top_k.values.shape[1])
    return TopK(values, jnp.take_along_axis(images, chosen, axis=1), jnp.take_along_axis(positions, chosen, axis=1))


def _update(
    model: nn.Module,
    layer: str,
    preprocessing: Preprocessing | None,
    variables: Variables,
    top_k: TopK,
    images: jax.Array,
    first: jax.Array,
    count: jax.Array,
) -> TopK:
    return update_top_k(top_k, layer_output(model, layer, variables, _normalize(preprocessing, images)), first, count)


def _normalize(preprocessing: Preprocessing | None, images: jax.Array) -> jax.Array:
    if images.dtype == jnp.uint8 and preprocessing is not None:
        return preprocessing.normalized(images)
    return images
