"""Occlusion by a grey square at every position: Zeiler and Fergus 2013, arXiv:1311.2901, section 4.2."""

from dataclasses import dataclass
from itertools import product

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from zoo.errors import ZooError
from zoo.models.variables import Variables
from zoo.runtime.limits import POSITIVE_COUNT
from zoo.runtime.number_range import NumberRange
from zoo.visualize.methods.jit_cache import in_batches, jit_cached
from zoo.visualize.methods.named_layers import (
    Array,
    check_classes,
    check_units,
    last_spatial_layer,
    layer_shapes,
    logits_and_output,
    spatial_shape,
)
from zoo.visualize.shown import png_of_tiles, shapes_text
from zoo.visualize.tiles import uint8_to_colours


@dataclass(frozen=True, eq=False, repr=False)
class Occlusion:
    """The network's output for each position of the square [rows, columns], as in Figure 7 of the paper.

    `probability` is that of the class `label` (7d), `activity` the sum of the map `unit` of `layer` (7b), `labels` the
    most probable class (7e). `tops` [rows] and `lefts` [columns] are the first pixels of the squares, `size` is their
    height and width in pixels.
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

    def __repr__(self) -> str:
        return shapes_text(self)

    def _repr_png_(self) -> bytes | None:
        """For notebooks: the probability of the class, black for 0 and white for 1."""
        return png_of_tiles(255 * self.probability[..., None], uint8_to_colours)


def occlusion(
    model: nn.Module,
    variables: Variables,
    image: Array,
    label: int | None = None,
    *,
    layer: str | None = None,
    unit: int | None = None,
    size: int | None = None,
    stride: int | None = None,
    fill: float = 0.0,
    batch_size: int = 32,
) -> Occlusion:
    """Slide a square of `size` by `size` pixels over one normalised image [height, width, channel].

    `size` is by default a quarter of the image's shorter side, `stride` a quarter of the square. The square is always
    inside the image. `fill` is its value; 0 is the data set's mean colour. `label` is by default the most probable
    class of the whole image, `layer` the last whose maps are larger than 1x1, and `unit` the one with the largest sum
    of its map for the whole image. Raises ZooError for an unknown class, layer or unit, and for a square that does not
    fit.
    """
    if np.ndim(image) != 3:
        raise ZooError(f"the image has shape {np.shape(image)}: give one image [height, width, channel]")
    height, width, _ = image.shape
    size, tops, lefts = _square_positions(height, width, size, stride)
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
    run, (variables, image) = jit_cached(_occluded_outputs, model, layer), jax.device_put((variables, image))
    outputs = in_batches(lambda *squares: run(variables, image, fill, *squares), batch_size, corners, sizes)
    whole_probabilities, whole_sums = (array[0] for array in outputs)
    probabilities, sums = (array[1:].reshape(len(tops), len(lefts), -1) for array in outputs)
    label = int(whole_probabilities.argmax()) if label is None else label
    unit = int(whole_sums.argmax()) if unit is None else unit
    return Occlusion(
        probability=probabilities[..., label],
        activity=sums[..., unit],
        labels=probabilities.argmax(axis=-1),
        label=label,
        layer=layer,
        unit=unit,
        tops=tops,
        lefts=lefts,
        size=size,
    )


def _square_positions(
    height: int, width: int, size: int | None, stride: int | None
) -> tuple[int, np.ndarray, np.ndarray]:
    """The squares' size, and their first rows and columns. Raises ZooError for squares that do not fit."""
    size = max(1, min(height, width) // 4) if size is None else size
    stride = max(1, size // 4) if stride is None else stride
    NumberRange(minimum=1, maximum=min(height, width)).check(size, "size")
    POSITIVE_COUNT.check(stride, "stride")
    return size, np.arange(0, height - size + 1, stride), np.arange(0, width - size + 1, stride)


def _occluded_outputs(
    model: nn.Module,
    layer: str,
    variables: Variables,
    image: jax.Array,
    fill: jax.Array,
    corners: jax.Array,
    sizes: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """Class probabilities [squares, classes] and the sum of each map [squares, units], for squares at `corners`."""
    rows, columns = (_in_square(image.shape[axis], corners[:, axis, None], sizes[:, None]) for axis in (0, 1))
    hidden = rows[:, :, None, None] & columns[:, None, :, None]
    logits, maps = logits_and_output(model, layer, variables, jnp.where(hidden, fill, image))
    return jax.nn.softmax(logits.astype(jnp.float32)), maps.astype(jnp.float32).sum(axis=(1, 2))


def _in_square(extent: int, first: jax.Array, size: jax.Array) -> jax.Array:
    pixel = jnp.arange(extent)
    return (pixel >= first) & (pixel < first + size)
