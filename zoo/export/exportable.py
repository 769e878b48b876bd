"""What is exported: a network with its variables, and what is known about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from zoo.data import Preprocessing
from zoo.errors import ZooError
from zoo.export.batch_shapes import ImageShape
from zoo.models.user_module.adapted_class import adapted_module
from zoo.models.user_module.reference import reference_to
from zoo.models.variables import Variables, check_image_shape
from zoo.printable import printable_names
from zoo.runtime.limits import PIXELS_OF_SIDE
from zoo.weights import Weights, WeightsSource


@dataclass(frozen=True, kw_only=True)
class Exportable:
    """A network, float32, and its variables as NumPy arrays; `image_shape` is (height, width, channels).

    `preprocessing` is None, and the others are empty, where they are not known.
    """

    model: nn.Module
    variables: Variables
    image_shape: ImageShape
    name: str
    preprocessing: Preprocessing | None = None
    class_names: tuple[str, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    dataset: str = ""
    source: WeightsSource | None = None


def exportable(
    model: nn.Module | Weights,
    variables: Variables | None,
    image_shape: ImageShape | None,
    preprocessing: Preprocessing | None,
    class_names: tuple[str, ...],
) -> Exportable:
    """What `to_onnx` and `to_stablehlo` are given, in one record. Raises ZooError for what is no network."""
    if preprocessing is not None and not isinstance(preprocessing, Preprocessing):
        raise ZooError(f"preprocessing is a {type(preprocessing).__name__}: give a zoo.data.Preprocessing")
    if isinstance(model, Weights):
        if variables is not None:
            raise ZooError("weights have their variables: leave those out, and give the file as path=...")
        known = from_weights(model, image_shape)
    elif not isinstance(model, nn.Module):
        raise ZooError(f"model is a {type(model).__name__}: give a Linen module and its variables, or weights")
    elif not isinstance(variables, Mapping) or "params" not in variables:
        raise ZooError(f"variables is a {type(variables).__name__}: give a network's, as in {{'params': ...}}")
    else:
        adapted = adapted_module(model)
        shape = image_shape or (preprocessing and preprocessing.image_shape) or getattr(adapted, "image_shape", None)
        if shape is None:
            raise ZooError(f"{type(model).__name__} has no image size: pass image_shape=(height, width, channels)")
        known = Exportable(model=adapted, variables=variables, image_shape=shape, name=_name_of(model))
    if preprocessing:
        known = replace(known, preprocessing=preprocessing)
    if class_names:
        known = replace(known, class_names=printable_names(class_names))
    return _checked(known)


def from_weights(weights: Weights, image_shape: ImageShape | None = None) -> Exportable:
    """The network of these weights, by default for their own image size."""
    return Exportable(
        model=weights.network(),
        variables=weights.variables,
        image_shape=image_shape or weights.preprocessing.image_shape,
        name=weights.model,
        preprocessing=weights.preprocessing,
        class_names=weights.class_names,
        fields=weights.fields,
        dataset=weights.dataset,
        source=weights.source,
    )


def _name_of(model: nn.Module) -> str:
    cls = type(model)
    return cls.__name__ if cls.__module__.startswith("zoo.") else reference_to(cls) or cls.__name__


def _checked(known: Exportable) -> Exportable:
    """With arrays of NumPy, and the image size as given also in the preprocessing. Raises ZooError for a wrong one."""
    check_image_shape(known.model, known.image_shape)
    height, width, channels = (int(side) for side in known.image_shape)
    shape = (height, width, channels)
    for side in (height, width):
        PIXELS_OF_SIDE.check(side, "a side of the images")
    preprocessing = known.preprocessing
    if preprocessing and preprocessing.image_shape[2] != channels:
        stated = preprocessing.image_shape[2]
        raise ZooError(
            f"the weights are for images of {stated} channels, not {channels}: give the height and width alone"
        )
    return replace(
        known,
        image_shape=shape,
        preprocessing=preprocessing and replace(preprocessing, image_shape=shape),
        variables=jax.tree.map(_as_array, dict(known.variables)),
    )


def _as_array(leaf: Any) -> np.ndarray:
    array = np.asarray(leaf)
    if not (jnp.issubdtype(array.dtype, jnp.number) or array.dtype == bool):
        raise ZooError(f"variables has a {type(leaf).__name__} where an array of numbers belongs")
    return array
