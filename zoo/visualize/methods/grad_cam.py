"""Grad-CAM, the regions of a layer that support a class: Selvaraju et al. 2016, arXiv:1610.02391."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from zoo.inference.features import CAPTURED
from zoo.models.variables import Variables
from zoo.visualize.methods.jit_cache import in_batches, jit_cached
from zoo.visualize.methods.named_layers import (
    Array,
    Classes,
    check_classes,
    class_logits,
    last_spatial_layer,
    layer_shapes,
    logits_and_output,
    spatial_shape,
)

# A collection, since a value of an outer trace may not be used inside of `nn.remat` or `nn.jit` but through one.
CHANGES = "zoo.changes"


def grad_cam(
    model: nn.Module,
    variables: Variables,
    images: Array,
    classes: Classes = None,
    *,
    layer: str | None = None,
    batch_size: int = 32,
) -> np.ndarray:
    """The sum of the layer's maps, each weighted by the mean gradient of the class's logit, rectified.

    The result is [batch, rows, columns] and not negative; the paper enlarges it to the image. `layer` is by default the
    last whose maps are larger than 1x1. `classes` is one for all images, or one per image; by default the most
    probable. Raises ZooError for an unknown layer or class.
    """
    shapes = layer_shapes(model, variables, images)
    layer = last_spatial_layer(model, shapes) if layer is None else layer
    shape = spatial_shape(model, shapes, layer)
    run = jit_cached(_weighted_sum, model, layer, shape[1:])
    class_indices = check_classes(shapes, classes, len(images))
    return in_batches(lambda *given: run(variables, *given), batch_size, images, class_indices)


def _weighted_sum(
    model: nn.Module,
    layer: str,
    shape: tuple[int, int, int],
    variables: Variables,
    images: jax.Array,
    classes: jax.Array,
) -> jax.Array:
    def total_logit(change: jax.Array) -> tuple[jax.Array, jax.Array]:
        logits, activations = add_to_output(model, variables, images, layer, change)
        return class_logits(logits, classes)[0].sum(), activations

    gradient, activations = jax.grad(total_logit, has_aux=True)(jnp.zeros((len(images), *shape)))
    weights = gradient.mean(axis=(1, 2), keepdims=True)
    return jnp.maximum((weights * activations).sum(axis=-1), 0)


def add_to_output(
    model: nn.Module, variables: Variables, images: jax.Array, layer: str, change: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """The logits when `change` is added to the first output of `layer`, and that output with the change."""

    def add(run: Callable, args: tuple, kwargs: dict, context: Any) -> Any:
        output, module = run(*args, **kwargs), context.module
        is_layer = context.method_name == "__call__" and module.has_variable(CHANGES, "change")
        if not is_layer or module.has_variable(CAPTURED, "__call__"):  # another layer, or not its first call
            return output
        return output + module.get_variable(CHANGES, "change").astype(output.dtype)

    changes: dict[str, Any] = {"change": change}
    for part in reversed(layer.split("/") if layer else []):
        changes = {part: changes}
    with nn.intercept_methods(add):
        return logits_and_output(model, layer, {**variables, CHANGES: changes}, images)
