"""Feature maps of a layer, and the filters of a convolution."""

import flax.linen as nn
import jax
import numpy as np

from zoo.errors import ZooError, suggestion
from zoo.models.variables import Variables
from zoo.visualize.methods.jit_cache import in_batches, jit_cached
from zoo.visualize.methods.named_layers import Array, layer_output, layer_shapes, spatial_shape


def activations(
    model: nn.Module, variables: Variables, images: Array, layer: str, *, batch_size: int = 32
) -> np.ndarray:
    """The feature maps of a layer: [batch, rows, columns, units]. Raises ZooError for a layer without any."""
    spatial_shape(model, layer_shapes(model, variables, images), layer)
    run = jit_cached(layer_output, model, layer)
    return in_batches(lambda images: run(variables, images), batch_size, images)


def filters(
    model: nn.Module,
    variables: Variables,
    layer: str | None = None,
    *,
    image_shape: tuple[int, int, int] | None = None,
) -> np.ndarray:
    """A convolution's kernel [height, width, channels / groups, features], by default that of the first convolution.

    `layer` is a convolution, or a block with a single one in it, such as "conv1/conv" or "conv1". `image_shape` is
    (height, width, channels), by default the model's own. Raises ZooError for an unknown layer, and for a block with
    several convolutions, with their names.
    """
    kernels = _kernels(variables)
    layer = first_convolution(model, variables, image_shape) if layer is None else layer
    inside = [name for name in kernels if name == layer or name.startswith(f"{layer}/")]
    if not inside:
        blocks = {name.rpartition("/")[0] or name for name in kernels}
        suggested = suggestion(layer, blocks | kernels.keys())
        raise ZooError(f"{type(model).__name__} has no filters in {layer!r}{suggested}")
    if len(inside) > 1:
        raise ZooError(f"{layer} has {len(inside)} convolutions: choose one of {', '.join(inside)}")
    return np.asarray(kernels[inside[0]])


def first_convolution(model: nn.Module, variables: Variables, image_shape: tuple[int, int, int] | None = None) -> str:
    """The name of the convolution that runs first; "" for a network without convolutions."""
    kernels = _kernels(variables)
    order = layer_shapes(model, variables, jax.ShapeDtypeStruct((1, *(image_shape or model.image_shape)), np.float32))
    return next((name for name in order if name in kernels), "")


def _kernels(variables: Variables) -> dict[str, jax.Array]:
    """{module: kernel} of all convolutions."""
    leaves = jax.tree_util.tree_leaves_with_path(variables["params"])
    named = (([part.key for part in path], leaf) for path, leaf in leaves)
    return {"/".join(path[:-1]): leaf for path, leaf in named if path[-1] == "kernel" and leaf.ndim == 4}
