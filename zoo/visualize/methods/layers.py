"""Layers by name: what a network's layers make of images, and clear errors for what it does not have.

A layer is a module's path, as "inception_3a/3x3". A block's own name is its output, after its activation; the names of
its parts, as "inception_3a/3x3/conv" and ".../bn", are what lies before. "" is the network itself, with its logits.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from flax.errors import FlaxError

from zoo.errors import ZooError, suggestion
from zoo.geometry import WindowTooLarge
from zoo.inference.features import logits_and_outputs, output_at
from zoo.models.variables import Variables, check_image_shape
from zoo.visualize.methods.compiled import compiled

LOGITS = ""
Shapes = Mapping[str, tuple[int, ...]]


def output_of(model: nn.Module, layer: str, variables: Variables, images: jax.Array) -> jax.Array:
    """What `layer` makes of the images, to be traced: of the rest of the network a compiler leaves nothing."""
    return logits_and_output(model, layer, variables, images)[1]


def logits_and_output(
    model: nn.Module, layer: str, variables: Variables, images: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """What the network makes of the images, and what `layer` does on the way."""
    logits, outputs = logits_and_outputs(model, variables, images, (layer,))
    return logits, outputs[layer]


def all_outputs(model: nn.Module, variables: Variables, images: jax.Array) -> OrderedDict[str, jax.Array]:
    """What every layer makes of the images, in the order in which they finish."""
    names: list[str] = []

    def note(module: nn.Module, method: str) -> bool:
        if method == "__call__":
            names.append("/".join(module.path))
        return method == "__call__"

    _, state = model.apply(variables, images, capture_intermediates=note, mutable=["intermediates"])
    made = ((name, output_at(state["intermediates"], name)) for name in names)
    return OrderedDict((name, output) for name, output in made if isinstance(output, jax.Array))


def layer_shapes(model: nn.Module, variables: Variables, images: jax.Array) -> Shapes:
    """{layer: shape of its output} in the order in which they finish. Nothing is computed.

    Raises ZooError for what are no images, or none that the network with these variables can take.
    """
    check_images(images)
    try:
        made = compiled(all_outputs, model).eval_shape(variables, images)
    except WindowTooLarge:
        check_image_shape(model, images.shape[1:])
        raise
    except ZooError:
        raise
    except (FlaxError, TypeError, ValueError) as error:
        shape, why = tuple(images.shape), " ".join(str(error).split("\n\n")[0].split())
        raise ZooError(
            f"{type(model).__name__} with these variables cannot take images of shape {shape}: {why}"
        ) from error
    return {name: tuple(output.shape) for name, output in made.items()}


def check_images(images: jax.Array) -> None:
    """Raises ZooError for what are not normalised images [batch, height, width, channel]."""
    shape, dtype = np.shape(images), getattr(images, "dtype", None)
    if len(shape) != 4 or 0 in shape:
        raise ZooError(f"images have shape {tuple(shape)}: they are [batch, height, width, channel], one at least")
    if dtype is None or not jnp.issubdtype(dtype, jnp.floating):
        raise ZooError(
            f"images are {dtype or type(images).__name__}: they are floats, normalised for the network (Preprocessing)"
        )


def known_layer(model: nn.Module, shapes: Shapes, layer: str) -> tuple[int, ...]:
    """The shape of what a layer makes. Raises ZooError where there is no such layer, with the nearest names."""
    if layer not in shapes:
        names = [name for name in shapes if name]
        close = suggestion(layer, names) or f"; it begins with {', '.join(names[:3])} and ends with {names[-1]}"
        raise ZooError(f"{type(model).__name__} has no layer {layer!r}{close}")
    return shapes[layer]


def spatial_shape(model: nn.Module, shapes: Shapes, layer: str) -> tuple[int, int, int, int]:
    """[batch, rows, columns, units] of a layer that makes feature maps. Raises ZooError for any other layer."""
    shape = known_layer(model, shapes, layer)
    if len(shape) != 4:
        raise ZooError(
            f"{layer or 'the output'} of {type(model).__name__} has no places: it makes {_sized(shape[1:])} values of "
            f"an image, not maps{_last_maps(shapes)}"
        )
    return shape


def last_spatial_layer(model: nn.Module, shapes: Shapes) -> str:
    """The last layer whose maps have more than one place. Raises ZooError where there is none."""
    found = [name for name, shape in shapes.items() if name and len(shape) == 4 and shape[1] * shape[2] > 1]
    if not found:
        raise ZooError(f"{type(model).__name__} has no layer with places on such images: give it larger ones")
    return found[-1]


def _last_maps(shapes: Shapes) -> str:
    found = [name for name, shape in shapes.items() if name and len(shape) == 4]
    return f"; the last layer with maps is {found[-1]}" if found else "; nor has any other layer"


def _sized(shape: tuple[int, ...]) -> str:
    return "x".join(str(n) for n in shape)


def check_finite(model: nn.Module, layer: str, values: np.ndarray) -> None:
    """Raises ZooError where a layer's values are not finite."""
    if not np.isfinite(values).all():
        raise ZooError(f"{layer} of {type(model).__name__} gives numbers that are not finite: its weights are damaged")


def units_of(layer: str, count: int, unit: int | Sequence[int]) -> np.ndarray:
    """The units as an int array [n]. Raises ZooError where the layer has no such unit."""
    units = np.atleast_1d(np.asarray(unit))
    if units.ndim != 1 or not np.issubdtype(units.dtype, np.integer) or not units.size:
        raise ZooError(f"the unit is {unit!r}: it is an int, or a sequence of them")
    for one in units:
        if not 0 <= one < count:
            raise ZooError(f"{layer} has no unit {one}: it has {count}, from 0 to {count - 1}")
    return units.astype(np.int32)


def classes_of(shapes: Shapes, classes: int | Sequence[int] | None, images: int) -> np.ndarray:
    """int [images], -1 where the most probable class is meant. Raises ZooError where there is no such class."""
    shape = shapes[LOGITS]
    if len(shape) != 2:
        raise ZooError(f"the network gives {_sized(shape[1:])} values an image, not a logit a class")
    if classes is None:
        return np.full(images, -1, np.int32)
    given = np.atleast_1d(np.asarray(classes))
    for one in given:
        if not (np.issubdtype(given.dtype, np.integer) and 0 <= one < shape[1]):
            raise ZooError(f"there is no class {one}: the network tells {shape[1]} apart, from 0 to {shape[1] - 1}")
    if len(given) not in (1, images):
        raise ZooError(f"{len(given)} classes for {images} images: give one class, or one an image")
    return np.broadcast_to(given, images).astype(np.int32)


def chosen_logits(logits: jax.Array, classes: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Each image's logit of its class, and the class; -1 stands for the most probable."""
    classes = jnp.where(classes < 0, logits.argmax(axis=-1), classes)
    return jnp.take_along_axis(logits, classes[:, None], axis=-1)[:, 0], classes
