"""The variables of a network: drawn, or only their shapes; and the images that it can take."""

from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.errors import ZooError
from zoo.geometry import WindowTooLarge

Variables = Mapping[str, Any]


def init(model: nn.Module, key: jax.Array, image_shape: tuple[int, int, int] | None = None) -> dict[str, Any]:
    """{"params": ..., "batch_stats": ...} of a network, drawn under jit; float32.

    `image_shape` is (height, width, channels), the model's own where it has one and none is given.
    Raises ZooError where the image is too small, naming the smallest that will do.
    """
    image = _example(model, image_shape)
    check_image_shape(model, image.shape[1:])
    return jit_once(model.init)(key, jnp.zeros(image.shape, image.dtype))


def jit_once(function: Callable, **options: Any) -> Callable:
    """`jax.jit` for what runs once: on a CPU, compiled in a third of the time to a program that is not optimised."""
    quick = {"xla_backend_optimization_level": 0} if jax.default_backend() == "cpu" else None
    return jax.jit(function, compiler_options=quick, **options)


def init_shapes(model: nn.Module, image_shape: tuple[int, int, int] | None = None) -> dict[str, Any]:
    """What `init` would give, as `jax.ShapeDtypeStruct`s: nothing is drawn or allocated."""
    return jax.eval_shape(model.init, jax.random.key(0), _example(model, image_shape))


def check_image_shape(model: nn.Module, image_shape: tuple[int, int, int]) -> None:
    """Raises ZooError where an image of (height, width, channels) is too small, naming the smallest that will do."""
    try:
        init_shapes(model, image_shape)
    except WindowTooLarge as error:
        height, width, channels = image_shape
        smallest = smallest_image(model, channels)
        raise ZooError(
            f"{height}x{width} images are too small for {type(model).__name__}: "
            f"give it at least {smallest}x{smallest} pixels (images can be enlarged to that)"
        ) from error


def smallest_image(model: nn.Module, channels: int = 3) -> int:
    """The fewest pixels a side that the network can take, found by tracing it."""

    def fits(size: int) -> bool:
        try:
            init_shapes(model, (size, size, channels))
        except WindowTooLarge:
            return False
        return True

    # From below, as what does not fit is found out soon and what fits is traced to its end.
    high = 1
    while not fits(high):
        high *= 2
        if high > 4096:
            raise ZooError(f"{type(model).__name__} takes no image of up to 4096x4096 pixels")
    low = high // 2 + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle + 1, high)
    return low


def _example(model: nn.Module, image_shape: tuple[int, int, int] | None) -> jax.ShapeDtypeStruct:
    image_shape = image_shape or getattr(model, "image_shape", None)
    if image_shape is None:
        raise ZooError(f"{type(model).__name__} does not say its image size; pass image_shape=(h, w, channels)")
    return jax.ShapeDtypeStruct((1, *image_shape), jnp.float32)
