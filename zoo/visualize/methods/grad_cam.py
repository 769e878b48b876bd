"""Where a layer sees what speaks for a class: Selvaraju et al. 2016, arXiv:1610.02391."""

from collections.abc import Callable, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from zoo.models.variables import Variables
from zoo.visualize.methods.jit_cache import in_batches, jit_cached
from zoo.visualize.methods.named_layers import (
    check_classes,
    class_logits,
    last_spatial_layer,
    layer_shapes,
    spatial_shape,
)


def grad_cam(
    model: nn.Module,
    variables: Variables,
    images: jax.Array,
    classes: int | Sequence[int] | None = None,
    *,
    layer: str | None = None,
    batch_size: int = 32,
) -> np.ndarray:
    """The layer's maps, each times the mean gradient of the class's logit with respect to it, added and rectified.

    [batch, rows, columns] of the layer, the last one with more than one place unless told otherwise, not negative;
    enlarged to the image it is the paper's picture. `classes` is one for all images or one each, by default the most
    probable. Raises ZooError where there is no such layer or class.
    """
    shapes = layer_shapes(model, variables, images)
    layer = last_spatial_layer(model, shapes) if layer is None else layer
    shape = spatial_shape(model, shapes, layer)
    run = jit_cached(_maps, model, layer, shape[1:])
    classes = check_classes(shapes, classes, len(images))
    return in_batches(lambda *given: run(variables, *given), batch_size, images, classes)


def _maps(
    model: nn.Module,
    layer: str,
    shape: tuple[int, int, int],
    variables: Variables,
    images: jax.Array,
    classes: jax.Array,
) -> jax.Array:
    def total(change: jax.Array) -> tuple[jax.Array, jax.Array]:
        logits, activations = changed(model, variables, images, layer, change)
        return class_logits(logits, classes)[0].sum(), activations

    gradient, activations = jax.grad(total, has_aux=True)(jnp.zeros((len(images), *shape)))
    weights = gradient.mean(axis=(1, 2), keepdims=True)
    return jnp.maximum((weights * activations).sum(axis=-1), 0)


def changed(
    model: nn.Module, variables: Variables, images: jax.Array, layer: str, change: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """The logits when `change` is added to what `layer` makes, and what it makes without."""
    made = []

    def add(run: Callable, args: tuple, kwargs: dict, context: Any) -> Any:
        output = run(*args, **kwargs)
        if context.method_name != "__call__" or "/".join(context.module.path) != layer:
            return output
        made.append(output)
        return output + change.astype(output.dtype)

    with nn.intercept_methods(add):
        return model.apply(variables, images), made[0]
