"""What a grey square hides from the network, place by place: Zeiler and Fergus 2013, arXiv:1311.2901, section 4.2."""

from dataclasses import dataclass
from itertools import product

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from zoo.errors import ZooError
from zoo.models.variables import Variables
from zoo.visualize.methods.jit_cache import in_batches, jit_cached
from zoo.visualize.methods.named_layers import (
    check_classes,
    check_units,
    last_spatial_layer,
    layer_shapes,
    logits_and_output,
    spatial_shape,
)


@dataclass(frozen=True, eq=False)
class Occlusion:
    """What the network makes of the image for each position of the square, Figure 7 of the paper.

    `probability` [rows, columns] of the class `label` (7d), `activity` [rows, columns] the total of the map `unit` of
    `layer` (7b), `labels` int [rows, columns] the most probable class (7e). `tops` and `lefts` are the squares' first
    pixels, `size` their side.
    """

    probability: np.ndarray
    activity: np.ndarray
    labels: np.ndarray
    label: int
    layer: str
    unit: int
    tops: np.ndarray
    lefts: np.ndarray
    size: int


def occlusion(
    model: nn.Module,
    variables: Variables,
    image: jax.Array,
    label: int | None = None,
    *,
    layer: str | None = None,
    unit: int | None = None,
    size: int | None = None,
    stride: int | None = None,
    fill: float = 0.0,
    batch_size: int = 32,
) -> Occlusion:
    """Slide a square of `size` pixels a side over one normalised image [height, width, channel], `stride` at a time.

    The square is `fill`, 0 being the data set's mean colour; a quarter of the shorter side and steps of a quarter of
    the square are the defaults, and positions go on as long as all of the square is on the image. `label` is the most
    probable class of the whole image unless given; `layer` the last with more than one place; `unit` its map with the
    largest total on the whole image. Raises ZooError where there is none such.
    """
    if np.ndim(image) != 3:
        raise ZooError(f"the image has shape {np.shape(image)}: it is one image, [height, width, channel]")
    size, tops, lefts = _squares(*image.shape[:2], size, stride)
    shapes = layer_shapes(model, variables, image[None])
    layer = last_spatial_layer(model, shapes) if layer is None else layer
    units = spatial_shape(model, shapes, layer)[-1]
    if label is not None:
        (label,) = check_classes(shapes, label, 1).tolist()
    if unit is not None:
        (unit,) = check_units(layer, units, unit).tolist()

    # The first square has no size: it hides nothing.
    corners = np.array([(0, 0), *product(tops, lefts)])
    sizes = np.array([0, *[size] * (len(corners) - 1)])
    run, (variables, image) = jit_cached(_seen, model, layer), jax.device_put((variables, image))
    whole, hidden = _first_and_rest(
        in_batches(lambda *squares: run(variables, image, fill, *squares), batch_size, corners, sizes)
    )
    label = int(whole[0].argmax()) if label is None else label
    unit = int(whole[1].argmax()) if unit is None else unit
    probabilities, totals = (array.reshape(len(tops), len(lefts), -1) for array in hidden)
    return Occlusion(
        probability=probabilities[..., label],
        activity=totals[..., unit],
        labels=probabilities.argmax(axis=-1),
        label=label,
        layer=layer,
        unit=unit,
        tops=tops,
        lefts=lefts,
        size=size,
    )


def _squares(height: int, width: int, size: int | None, stride: int | None) -> tuple[int, np.ndarray, np.ndarray]:
    """The squares' size, and their first rows and columns."""
    size = max(1, min(height, width) // 4) if size is None else size
    stride = max(1, size // 4) if stride is None else stride
    if not 1 <= size <= min(height, width) or stride < 1:
        raise ZooError(f"a square of {size} pixels in steps of {stride} does not go over {height}x{width} pixels")
    return size, np.arange(0, height - size + 1, stride), np.arange(0, width - size + 1, stride)


def _first_and_rest(arrays: tuple[np.ndarray, ...]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    return [array[0] for array in arrays], [array[1:] for array in arrays]


def _seen(
    model: nn.Module,
    layer: str,
    variables: Variables,
    image: jax.Array,
    fill: jax.Array,
    corners: jax.Array,
    sizes: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """Class probabilities [squares, classes] and the total of each map [squares, units]."""
    down, right = (_within(image.shape[axis], corners[:, axis, None], sizes[:, None]) for axis in (0, 1))
    hidden = down[:, :, None, None] & right[:, None, :, None]
    logits, maps = logits_and_output(model, layer, variables, jnp.where(hidden, fill, image))
    return jax.nn.softmax(logits), maps.astype(jnp.float32).sum(axis=(1, 2))


def _within(count: int, first: jax.Array, size: jax.Array) -> jax.Array:
    place = jnp.arange(count)
    return (place >= first) & (place < first + size)
