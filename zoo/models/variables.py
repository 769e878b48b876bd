"""The variables of a network, their shapes, and the image sizes that it accepts."""

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.errors import ZooError
from zoo.geometry import WindowTooLarge
from zoo.printable import quoted
from zoo.runtime import kept_traces
from zoo.runtime.jit_once import jit_once
from zoo.runtime.limits import COUNTED_SIDE

Variables = Mapping[str, Any]
MAX_SEARCHED_SIZE = 4096  # where the search for the smallest image size gives up


def init(model: nn.Module, key: jax.Array, image_shape: tuple[int, int, int] | None = None) -> dict[str, Any]:
    """Initial variables {"params": ..., "batch_stats": ...} of a network, computed under jit; float32.

    `image_shape` is (height, width, channels), by default the model's own. Raises ZooError if the image is too small;
    the message has the smallest possible size. Can be called inside `jax.jit` and `jax.eval_shape`.
    """
    image = _image_struct(model, image_shape)
    check_image_shape(model, image.shape[1:])
    zeros = jnp.zeros(image.shape, image.dtype)
    traced = isinstance(key, jax.core.Tracer) or isinstance(zeros, jax.core.Tracer)
    # Only the outermost jit may have compiler options.
    return dict(model.init(key, zeros)) if traced else jit_once(model.init)(key, zeros)


def init_shapes(model: nn.Module, image_shape: tuple[int, int, int] | None = None) -> dict[str, Any]:
    """The variables that `init` would give, as `jax.ShapeDtypeStruct`s. Nothing is computed or allocated.

    The shapes of the last networks are kept: what has to see each call of a module uses `trace_init`.
    """
    return dict(kept_traces.init_shapes(model, _image_struct(model, image_shape)))


def trace_init(model: nn.Module, image_shape: tuple[int, int, int] | None = None) -> dict[str, Any]:
    """`init_shapes` by a new trace, in which every module is called: for `nn.intercept_methods`."""
    return dict(kept_traces.trace_init(model, _image_struct(model, image_shape)))


def check_image_shape(model: nn.Module, image_shape: tuple[int, int, int], flag: str = "") -> None:
    """Raises ZooError if (height, width, channels) is too small; the message has the smallest possible size.

    It names the `flag` that sets the size, if there is one. Also raises it for names of layers that are no text.
    """
    try:
        init_shapes(model, image_shape)
    except WindowTooLarge as error:
        height, width, channels = image_shape
        smallest = smallest_image_size(model, channels)
        raise ZooError(
            f"{height}x{width} images are too small for {type(model).__name__}: "
            f"resize them to at least {smallest}x{smallest} pixels" + (f", with {flag} {smallest}" if flag else "")
        ) from error
    except UnicodeEncodeError as error:  # of Flax, which makes keys from the names
        raise ZooError(f"{type(model).__name__} has a layer whose name is no text: {error.object!r}") from error


def smallest_image_size(model: nn.Module, channels: int = 3) -> int:
    """The smallest size n for which the network takes n x n images, found by tracing it at several sizes."""

    def fits(size: int) -> bool:
        try:
            init_shapes(model, (size, size, channels))
        except MemoryError:
            raise
        except Exception:  # of any class: a network of a user's may divide by the size of its maps
            return False
        return True

    # From small to large: tracing a size that does not fit ends early.
    high = 1
    while not fits(high):
        high *= 2
        if high > MAX_SEARCHED_SIZE:
            raise ZooError(
                f"{type(model).__name__} accepts no square image of up to {MAX_SEARCHED_SIZE} pixels: "
                "check its strides and its padding"
            )
    low = high // 2 + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle + 1, high)
    return low


def _image_struct(model: nn.Module, image_shape: tuple[int, int, int] | None) -> jax.ShapeDtypeStruct:
    image_shape = getattr(model, "image_shape", None) if image_shape is None else image_shape
    if image_shape is None:
        raise ZooError(f"{type(model).__name__} has no image size: pass image_shape=(height, width, channels)")
    if (
        not isinstance(image_shape, tuple | list)
        or len(image_shape) != 3
        or not all(map(COUNTED_SIDE.has, image_shape))
    ):
        raise ZooError(f"image_shape is {quoted(image_shape)}: give (height, width, channels), of {COUNTED_SIDE} each")
    return jax.ShapeDtypeStruct((1, *map(int, image_shape)), jnp.float32)
