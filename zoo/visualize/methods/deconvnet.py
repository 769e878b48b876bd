"""One activation projected back to the pixels: Zeiler and Fergus 2013, arXiv:1311.2901, section 2.1.

All activations of a layer but one are set to zero. The rest is propagated backward: unpooled with the max pools'
switches, rectified, convolved with the transposed filters. Except for the rectification this is the gradient, so it is
computed as a gradient with another rule at the activations (`backward_rules`). All other operations use their
gradient: batch normalisation (a multiplication in inference), the gates of squeeze-and-excite, and local response
normalisation, which the paper's deconvnet leaves out. Where windows of a pool overlap, their signals are added.

The switches are the only information that the deconvnet takes from the image. Without max pools its result is the same
for every image; in networks with few of them, such as ResNet and MobileNet, "guided" shows more. Both mainly recover
parts of the image, whatever the network has learned (Nie et al. 2018, arXiv:1805.07039); `randomize_weights` shows by
how much.
"""

from dataclasses import dataclass

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from zoo.errors import ZooError
from zoo.models.variables import Variables
from zoo.visualize.methods.backward_rules import Rule, with_rule
from zoo.visualize.methods.jit_cache import in_batches, jit_cached
from zoo.visualize.methods.named_layers import (
    Array,
    Units,
    check_finite,
    check_units,
    layer_output,
    layer_shapes,
    spatial_shape,
)
from zoo.visualize.shown import png_of_tiles, shapes_text
from zoo.visualize.tiles import signed_to_colours


@dataclass(frozen=True, eq=False, repr=False)
class Projection:
    """Activations projected to the pixels, one row per pair of an image and a unit.

    `pixels` [pairs, height, width, channel] is signed. The projected signal is 1; the paper projects the activation
    itself, which gives `values` times `pixels`. `values` [pairs] are the activations, `positions` [pairs, 2] their
    (row, column) in the map, `units` [pairs] their units. With `strongest=n` the first three have a second axis of
    size n, the strongest first.
    """

    pixels: np.ndarray
    values: np.ndarray
    positions: np.ndarray
    units: np.ndarray

    def __repr__(self) -> str:
        return shapes_text(self)

    def _repr_png_(self) -> bytes | None:
        """For notebooks: the first pixels, each with its own scale; zero is grey."""
        return png_of_tiles(self.pixels, signed_to_colours)


def deconvnet(
    model: nn.Module,
    variables: Variables,
    images: Array,
    layer: str,
    unit: Units,
    *,
    rule: Rule = "deconvnet",
    position: tuple[int, int] | np.ndarray | None = None,
    strongest: int | None = None,
    batch_size: int = 32,
) -> Projection:
    """Project one activation of a unit of `layer` to the pixels of each image.

    `images` are normalised floats [pairs, height, width, channel]. `unit` is one for all images, or one per image; one
    image is used for all units. The activation is the largest in the unit's map, or the one at `position`: (row,
    column), or one per pair [pairs, 2]. `strongest=n` projects the n largest, each separately. `rule` is "deconvnet",
    "guided" (Springenberg et al. 2014) or "gradient". `batch_size` pairs are computed at a time.

    The output of a block such as "conv1" is after its activation, as in the paper; that of a part such as "conv1/conv"
    is before. Raises ZooError for an unknown layer, unit, position or rule, and for a layer without feature maps.
    """
    model_with_rule = with_rule(model, rule)
    _, rows, columns, count = spatial_shape(model, layer_shapes(model, variables, images), layer)
    image_pairs, units = _broadcast_pairs(np.asarray(images), check_units(layer, count, unit))
    given = [] if position is None else [_check_positions(layer, position, (rows, columns), pairs=len(image_pairs))]
    if strongest is not None and (given or not 1 <= strongest <= rows * columns):
        raise ZooError(
            f"strongest is {strongest}: give 1 to {rows * columns} (the positions of {layer}), without position"
        )
    run, variables = jit_cached(_project_activations, model_with_rule, layer, strongest or 1), jax.device_put(variables)
    results = in_batches(lambda *pairs: run(variables, *pairs), batch_size, image_pairs, units, *given)
    check_finite(model, layer, results[1])
    pixels, values, positions = results if strongest else (array[:, 0] for array in results)
    return Projection(pixels, values, positions, units)


def project(
    model: nn.Module,
    variables: Variables,
    images: Array,
    layer: str,
    signal: Array,
    *,
    rule: Rule = "deconvnet",
) -> np.ndarray:
    """Propagate any signal from a layer's output backward to the pixels: [batch, height, width, channel].

    `signal` has the shape of the layer's output [batch, rows, columns, units]. A signal times a positive number gives
    the pixels times that number; with the rule "gradient" the result is linear in the signal. Raises ZooError for an
    unknown layer and for a signal of another shape.
    """
    model_with_rule = with_rule(model, rule)
    shape = spatial_shape(model, layer_shapes(model, variables, images), layer)
    if np.shape(signal) != shape:
        raise ZooError(f"the signal has shape {np.shape(signal)}, but the output of {layer} has {shape}")
    return np.asarray(jit_cached(_propagate_backward, model_with_rule, layer)(variables, images, signal))


def _propagate_backward(
    model: nn.Module, layer: str, variables: Variables, images: jax.Array, signal: jax.Array
) -> jax.Array:
    output, backward = jax.vjp(lambda x: layer_output(model, layer, variables, x), images)
    return backward(signal.astype(output.dtype))[0]


def _project_activations(
    model: nn.Module,
    layer: str,
    strongest: int,
    variables: Variables,
    images: jax.Array,
    units: jax.Array,
    positions: jax.Array | None = None,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Pixels, values and positions, each [pairs, strongest, ...]; one forward pass for all."""
    output, backward = jax.vjp(lambda x: layer_output(model, layer, variables, x), images)
    pairs, _, columns, _ = output.shape
    maps = jnp.take_along_axis(output, units[:, None, None, None], axis=3).reshape(pairs, -1)
    if positions is None:
        values, at = jax.lax.top_k(maps, strongest)
    else:
        at = (positions[:, 0] * columns + positions[:, 1])[:, None]
        values = jnp.take_along_axis(maps, at, axis=1)

    def project_one(at: jax.Array) -> jax.Array:
        row, column = at // columns, at % columns
        signal = jnp.zeros_like(output).at[jnp.arange(pairs), row, column, units].set(1)
        return backward(signal)[0]

    pixels = jax.vmap(project_one, in_axes=1, out_axes=1)(at)
    return pixels, values.astype(jnp.float32), jnp.stack([at // columns, at % columns], axis=-1)


def _broadcast_pairs(images: np.ndarray, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    pairs = max(len(images), len(units))
    if len(images) not in (1, pairs) or len(units) not in (1, pairs):
        raise ZooError(f"{len(units)} units for {len(images)} images: give one of them, or the same number")
    return np.broadcast_to(images, (pairs, *images.shape[1:])), np.broadcast_to(units, pairs)


def _check_positions(
    layer: str, position: tuple[int, int] | np.ndarray, size: tuple[int, int], *, pairs: int
) -> np.ndarray:
    """int [pairs, 2]. Raises ZooError for anything else, and for positions outside of the map."""
    given = np.asarray(position)
    if given.shape not in ((2,), (pairs, 2)) or not np.issubdtype(given.dtype, np.integer):
        raise ZooError(f"position is {position!r}: give (row, column), or one per pair ({pairs})")
    if (given < 0).any() or (given >= np.array(size)).any():
        raise ZooError(f"position is {position!r}: {layer} has {size[0]} rows and {size[1]} columns, from 0")
    return np.broadcast_to(given, (pairs, 2)).astype(np.int32)
