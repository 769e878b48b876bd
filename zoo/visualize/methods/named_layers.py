"""Layers by name: their outputs and shapes, and clear errors for names, units and classes that do not exist.

A layer's name is its module's path, such as "inception_3a/3x3". The output of a block is after its activation; those
of its parts, such as "inception_3a/3x3/conv" and "inception_3a/3x3/bn", are before. The network itself, with the
logits as its output, is "" (`LOGITS`).
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from zoo.errors import ZooError
from zoo.geometry import WindowTooLarge
from zoo.inference.features import (
    Stacked,
    apply_and_capture,
    hidden_layer,
    logits_and_outputs,
    network_errors,
    unknown_layer,
)
from zoo.models.variables import Variables, check_image_shape
from zoo.visualize.methods.jit_cache import jit_cached

LOGITS = ""
Array = jax.Array | np.ndarray
Units = int | Sequence[int] | np.ndarray
# None is the most probable class.
Classes = int | Sequence[int] | np.ndarray | None
Shapes = Mapping[str, tuple[int, ...]]
HIDDEN = (-1,)  # in place of a shape


def layer_output(model: nn.Module, layer: str, variables: Variables, images: jax.Array) -> jax.Array:
    """The output of `layer` for images. Call it within `jax.jit`, which removes the layers that it does not need."""
    return logits_and_output(model, layer, variables, images)[1]


def logits_and_output(
    model: nn.Module, layer: str, variables: Variables, images: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """The logits, and the output of `layer`, from one forward pass."""
    logits, outputs = logits_and_outputs(model, variables, images, (layer,))
    return logits, outputs[layer]


def all_outputs(model: nn.Module, variables: Variables, images: jax.Array) -> OrderedDict[str, Any]:
    """{layer: output} of all layers, in the order in which they finish, as in `zoo.inference.features.Applied`."""
    return apply_and_capture(model, variables, images).outputs


def layer_shapes(model: nn.Module, variables: Variables, images: Array | jax.ShapeDtypeStruct) -> Shapes:
    """{layer: shape of its output} of all layers, in the order in which they finish. Nothing is computed.

    The shape is () where the output is several arrays, and `HIDDEN` where `nn.scan` or `nn.vmap` hides it. Of a layer
    that is called several times it is that of the first call, which all methods use. Raises ZooError for arrays that
    are no images, and for images or variables that do not fit the network.
    """
    check_images(images)
    try:
        with network_errors(model, images):
            outputs = jax.eval_shape(jit_cached(all_outputs, model), variables, images)
    except WindowTooLarge:
        _, height, width, channels = images.shape
        check_image_shape(model, (height, width, channels))
        raise
    return {name: _shape_of(output) for name, output in outputs.items()}


def _shape_of(output: Any) -> tuple[int, ...]:
    if output is None or isinstance(output, Stacked):
        return HIDDEN
    return tuple(getattr(output, "shape", ()))


def check_images(images: Array | jax.ShapeDtypeStruct) -> None:
    """Raises ZooError unless `images` are normalised images [batch, height, width, channel], at least one."""
    shape, dtype = np.shape(images), getattr(images, "dtype", None)
    if len(shape) != 4 or 0 in shape:
        raise ZooError(f"images have shape {tuple(shape)}: give at least one, as [batch, height, width, channel]")
    if dtype is None or not jnp.issubdtype(dtype, jnp.floating):
        raise ZooError(
            f"images are {dtype or type(images).__name__}: give floats, normalised for the network (Preprocessing)"
        )


def layer_shape(model: nn.Module, shapes: Shapes, layer: str) -> tuple[int, ...]:
    """The shape of a layer's output.

    Raises ZooError for an unknown layer, with similar names, and for one whose output is not one array.
    """
    check_layer(model, shapes, layer)
    if shapes[layer] == HIDDEN:
        raise hidden_layer(model, layer)
    if not shapes[layer]:
        raise ZooError(f"{layer or 'the network'} of {type(model).__name__} gives not one array: name another layer")
    return shapes[layer]


def check_layer(model: nn.Module, shapes: Shapes, layer: str) -> None:
    """Raises ZooError for an unknown layer, with similar names."""
    if layer not in shapes:
        raise unknown_layer(model, layer, shapes)


def spatial_shape(model: nn.Module, shapes: Shapes, layer: str) -> tuple[int, int, int, int]:
    """[batch, rows, columns, units] of a layer whose output is feature maps. Raises ZooError for any other layer."""
    shape = layer_shape(model, shapes, layer)
    if len(shape) != 4:
        raise ZooError(
            f"{layer or 'the output'} of {type(model).__name__} has no feature maps: its output is "
            f"{_format_shape(shape[1:])} values per image{_last_layer_with_maps(shapes)}"
        )
    return shape


def last_spatial_layer(model: nn.Module, shapes: Shapes) -> str:
    """The last layer whose feature maps are larger than 1x1. Raises ZooError if there is none, or it may be hidden."""
    hidden = [name for name, shape in shapes.items() if shape == HIDDEN]
    found = [name for name, shape in shapes.items() if name and len(shape) == 4 and shape[1] * shape[2] > 1]
    if hidden and (not found or list(shapes).index(hidden[-1]) > list(shapes).index(found[-1])):
        raise hidden_layer(model, hidden[-1])
    if not found:
        maps = [shape for name, shape in shapes.items() if name and len(shape) == 4]
        advice = "give larger images" if maps else "no layer has any, and larger images do not help"
        raise ZooError(f"{type(model).__name__} has no feature maps larger than 1x1: {advice}")
    return found[-1]


def _last_layer_with_maps(shapes: Shapes) -> str:
    found = [name for name, shape in shapes.items() if name and len(shape) == 4]
    return f"; the last layer with feature maps is {found[-1]}" if found else "; no layer has any"


def _format_shape(shape: tuple[int, ...]) -> str:
    return "x".join(str(n) for n in shape)


def check_finite(model: nn.Module, layer: str, values: np.ndarray) -> None:
    """Raises ZooError if any of a layer's values is not finite."""
    if not np.isfinite(values).all():
        raise ZooError(f"{layer} of {type(model).__name__} has values that are not finite: its weights are damaged")


def check_units(layer: str, count: int, unit: Units) -> np.ndarray:
    """The units as an int array [n]. Raises ZooError for a unit outside of 0 to `count` - 1."""
    units = np.atleast_1d(np.asarray(unit))
    if units.ndim != 1 or not np.issubdtype(units.dtype, np.integer) or not units.size:
        raise ZooError(f"the unit is {unit!r}: give an int, or a sequence of ints")
    for one in units:
        if not 0 <= one < count:
            raise ZooError(f"{layer} has no unit {one}: it has {count}, from 0 to {count - 1}")
    return units.astype(np.int32)


def check_classes(shapes: Shapes, classes: Classes, images: int) -> np.ndarray:
    """The classes as an int array [images], -1 for the most probable one (`classes` None).

    Raises ZooError for an unknown class, and for a network whose output is not one logit per class.
    """
    shape = shapes[LOGITS]
    if not shape or shape == HIDDEN:
        raise ZooError("the network's output is not one array of logits")
    if len(shape) != 2:
        raise ZooError(f"the output is {_format_shape(shape[1:])} values per image, not one logit per class")
    if classes is None:
        return np.full(images, -1, np.int32)
    given = np.atleast_1d(np.asarray(classes))
    for one in given:
        if not (np.issubdtype(given.dtype, np.integer) and 0 <= one < shape[1]):
            raise ZooError(f"there is no class {one}: the network has {shape[1]}, from 0 to {shape[1] - 1}")
    if len(given) not in (1, images):
        raise ZooError(f"{len(given)} classes for {images} images: give one class, or one per image")
    return np.broadcast_to(given, images).astype(np.int32)


def class_logits(logits: jax.Array, classes: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The logit [batch] of each image's class, and the class [batch]; -1 stands for the most probable class."""
    classes = jnp.where(classes < 0, logits.argmax(axis=-1), classes)
    return jnp.take_along_axis(logits, classes[:, None], axis=-1)[:, 0], classes
