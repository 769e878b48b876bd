"""The least memory that a batch takes, from shapes alone: what cannot fit is refused before anything is compiled."""

import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.errors import ZooError
from zoo.layers import Conv
from zoo.models.variables import init_shapes, trace_init
from zoo.runtime.free_memory import device_memory, host_memory

# Parameters, gradients and at least one moment of the optimizer, all float32.
TRAINING_COPIES = 3
# A network has about 50 activations for each value of its input. Where this many more fit, it is not traced.
MAX_PER_INPUT = 1000


def check_training_memory(
    model: nn.Module, image_shape: tuple[int, int, int], batch: int, dtype: Any = jnp.float32
) -> None:
    """Raises ZooError where a step of training takes more memory than a device has, whatever the compiler does.

    `batch` is the number of images of `image_shape` (height, width, channels) on each device, `dtype` the type of the
    computation.
    """
    _check(model, image_shape, batch, dtype, training=True)


def check_inference_memory(model: nn.Module, image_shape: tuple[int, int, int], batch: int) -> None:
    """As `check_training_memory`, for a prediction in the type of the network; its variables are in memory already."""
    _check(model, image_shape, batch, getattr(model, "dtype", jnp.float32), training=False)


def check_array_memory(what: str, size: int) -> None:
    """Raises ZooError where an array of `size` bytes does not fit into the memory of this machine."""
    available = host_memory()
    if available is not None and size > available:
        raise ZooError(f"{what} take {_size(size)} of memory, and {_size(available)} are free")


def _check(model: nn.Module, image_shape: tuple[int, int, int], batch: int, dtype: Any, *, training: bool) -> None:
    available, least = device_memory(), 4 * batch * math.prod(image_shape)
    if available is None or MAX_PER_INPUT * least <= available:
        return
    if training:
        least += TRAINING_COPIES * variables_bytes(model, image_shape)
    if least <= available:
        least += jnp.dtype(dtype).itemsize * batch * activations(model, image_shape, training=training)
    if least > available:
        shape = "x".join(map(str, image_shape))
        raise ZooError(
            f"{type(model).__name__} takes at least {_size(least)} of memory for {batch} images of {shape}, and "
            f"{_size(available)} are free: use a smaller batch size or smaller images"
        )


def variables_bytes(model: nn.Module, image_shape: tuple[int, int, int]) -> int:
    """The bytes of a network's variables."""
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(init_shapes(model, image_shape)))


def activations(model: nn.Module, image_shape: tuple[int, int, int], *, training: bool) -> int:
    """The least number of activations for one image: of the layer with most of them, or in training of all outputs.

    Only convolutions and linear layers count, since a compiler may fuse the others. In training their outputs are kept
    for the gradient, unless the network computes them again (`remat`).
    """
    sizes: list[tuple[int, int]] = []

    def note_sizes(function: Any, args: tuple, kwargs: dict, context: nn.module.InterceptorContext) -> Any:
        output = function(*args, **kwargs)
        if isinstance(context.module, Conv | nn.Conv | nn.Dense) and context.method_name == "__call__":
            sizes.append((args[0].size, output.size))
        return output

    with nn.intercept_methods(note_sizes):
        trace_init(model, image_shape)
    largest = max((read + written for read, written in sizes), default=0)
    if not training or getattr(model, "remat", False):
        return largest
    return max(largest, sum(written for _, written in sizes))


def _size(count: int) -> str:
    return f"{count / 1e9:,.1f} GB"
