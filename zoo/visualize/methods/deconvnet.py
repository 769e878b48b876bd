"""One activation projected back to the pixels: Zeiler and Fergus 2013, arXiv:1311.2901, section 2.1.

All activations of a layer but one are set to zero, and what is left goes down: unpooled by the switches of the forward
pass, rectified, convolved with the transposed filters. All but the rectifying is what the gradient does, so this is
the gradient with another rule at the activations (`zoo.visualize.rules`). What is no convolution, pool or activation
has its own gradient: batch normalisation, which in inference is a multiplication; the gates of squeeze-and-excite;
local response normalisation, which the paper's deconvnet leaves out. Where windows of a pool overlap, what comes down
to one place adds up.

The switches are all that the deconvnet has from the image: without max pools its picture is the same for every image,
and in networks with few, as ResNet and MobileNet, "guided" shows more. Both largely recover parts of the image,
whatever was learnt (Nie et al. 2018, arXiv:1805.07039): `randomize_weights` shows how much.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from zoo.errors import ZooError
from zoo.models.variables import Variables
from zoo.visualize.methods.backward_rules import Rule, with_rule
from zoo.visualize.methods.compiled import compiled, in_batches
from zoo.visualize.methods.layers import check_finite, layer_shapes, output_of, spatial_shape, units_of


@dataclass(frozen=True, eq=False)
class Projection:
    """Activations and what they look like in the pixels, a row a pair of an image and a unit.

    `pixels` [pairs, height, width, channel] is signed, in the units of the normalised images, and started from one:
    the paper starts from the activation itself, which gives `values` times these. `values` [pairs] are the
    activations, `places` [pairs, 2] their (row, column) in the map, `units` [pairs]. With `strongest` the first three
    have a second axis, the strongest first.
    """

    pixels: np.ndarray
    values: np.ndarray
    places: np.ndarray
    units: np.ndarray


def deconvnet(
    model: nn.Module,
    variables: Variables,
    images: jax.Array,
    layer: str,
    unit: int | Sequence[int],
    *,
    rule: Rule = "deconvnet",
    place: tuple[int, int] | np.ndarray | None = None,
    strongest: int | None = None,
    batch_size: int = 32,
) -> Projection:
    """Project one activation of a unit of `layer` to the pixels of each image, as Zeiler and Fergus do it.

    `images` are normalised floats [pairs, height, width, channel], and `unit` is one for all of them or one each; one
    image is used for all units. The activation is the largest of the unit's map, or that at `place`, (row, column) or
    one each [pairs, 2]; `strongest=n` projects the n largest, each by itself. The rule is "deconvnet", "guided"
    (Springenberg et al. 2014) or "gradient", the plain gradient of the activation. `batch_size` pairs at a time.

    A block such as "conv1" is projected from after its activation, as in the paper; its parts, as "conv1/conv", from
    before. Raises ZooError where there is no such layer, unit or place, and where the layer has no places.
    """
    ruled = with_rule(model, rule)
    _, rows, columns, count = spatial_shape(model, layer_shapes(model, variables, images), layer)
    images, units = _paired(np.asarray(images), units_of(layer, count, unit))
    chosen = None if place is None else [_places(layer, place, (rows, columns), len(images))]
    if strongest is not None and (chosen or not 1 <= strongest <= rows * columns):
        raise ZooError(
            f"strongest is {strongest}: it is from 1 to {rows * columns}, the places of {layer}, and goes without place"
        )
    run, variables = compiled(_projected, ruled, layer, strongest or 1), jax.device_put(variables)
    made = in_batches(lambda *pairs: run(variables, *pairs), batch_size, images, units, *(chosen or ()))
    check_finite(model, layer, made[1])
    pixels, values, places = made if strongest else (array[:, 0] for array in made)
    return Projection(pixels, values, places, units)


def project(
    model: nn.Module,
    variables: Variables,
    images: jax.Array,
    layer: str,
    signal: jax.Array,
    *,
    rule: Rule = "deconvnet",
) -> jax.Array:
    """Any signal at a layer's output, of its shape, brought down to the pixels: [batch, height, width, channel].

    Positively homogeneous in the signal; linear in it where the rule is "gradient". Raises ZooError where there is no
    such layer or the signal has another shape.
    """
    ruled = with_rule(model, rule)
    shape = spatial_shape(model, layer_shapes(model, variables, images), layer)
    if np.shape(signal) != shape:
        raise ZooError(f"the signal has shape {np.shape(signal)}, and {layer} makes {shape} of these images")
    return np.asarray(compiled(_brought_down, ruled, layer)(variables, images, signal))


def _brought_down(
    model: nn.Module, layer: str, variables: Variables, images: jax.Array, signal: jax.Array
) -> jax.Array:
    output, down = jax.vjp(lambda x: output_of(model, layer, variables, x), images)
    return down(signal.astype(output.dtype))[0]


def _projected(
    model: nn.Module,
    layer: str,
    strongest: int,
    variables: Variables,
    images: jax.Array,
    units: jax.Array,
    places: jax.Array | None = None,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Pixels, values and places, each [pairs, strongest, ...]; one backward pass for all."""
    output, down = jax.vjp(lambda x: output_of(model, layer, variables, x), images)
    pairs, _, columns, _ = output.shape
    maps = jnp.take_along_axis(output, units[:, None, None, None], axis=3).reshape(pairs, -1)
    if places is None:
        values, at = jax.lax.top_k(maps, strongest)
    else:
        at = (places[:, 0] * columns + places[:, 1])[:, None]
        values = jnp.take_along_axis(maps, at, axis=1)

    def of_one(at: jax.Array) -> jax.Array:
        row, column = at // columns, at % columns
        signal = jnp.zeros_like(output).at[jnp.arange(pairs), row, column, units].set(1)
        return down(signal)[0]

    pixels = jax.vmap(of_one, in_axes=1, out_axes=1)(at)
    return pixels, values.astype(jnp.float32), jnp.stack([at // columns, at % columns], axis=-1)


def _paired(images: np.ndarray, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    pairs = max(len(images), len(units))
    if len(images) not in (1, pairs) or len(units) not in (1, pairs):
        raise ZooError(f"{len(units)} units for {len(images)} images: give one of either, or as many of both")
    return np.broadcast_to(images, (pairs, *images.shape[1:])), np.broadcast_to(units, pairs)


def _places(layer: str, place: tuple[int, int] | np.ndarray, size: tuple[int, int], pairs: int) -> np.ndarray:
    given = np.asarray(place)
    if given.shape not in ((2,), (pairs, 2)) or not np.issubdtype(given.dtype, np.integer):
        raise ZooError(f"place is {place!r}: it is (row, column), or one for each of {pairs} pairs")
    if (given < 0).any() or (given >= np.array(size)).any():
        raise ZooError(f"place is {place!r}: {layer} has {size[0]} rows and {size[1]} columns, from 0")
    return np.broadcast_to(given, (pairs, 2)).astype(np.int32)
