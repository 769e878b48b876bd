"""Convolution in the form that is fastest on the platform it is compiled for. The forms agree to rounding.

On a TPU, XLA has a fast convolution for every case; on a GPU too, but for the gradient of a dilated kernel, which
`dilated_conv` has. On a CPU it has one only where the image is larger than the
filter and the convolution is dense (one group). Elsewhere the forms in this file are faster there, forward and
backward, by up to a hundred times: `docs/performance.md`.
"""

import math
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from zoo.geometry import Pads, Pair, is_symbolic, pair
from zoo.kernels.arguments import refuse_split
from zoo.kernels.depthwise import depthwise_conv
from zoo.kernels.dilated_conv import dilated_conv, has_phases
from zoo.kernels.sliding_windows import MAX_UNROLLED_TAPS, tap_slices
from zoo.kernels.xla_conv import xla_conv
from zoo.runtime.jit_once import is_in_jit
from zoo.runtime.mesh import ImagesFunction, of_own_images

# A dense convolution of fewer channels is slow on a CPU: narrower groups are merged until they have so many.
MIN_DENSE_CHANNELS = 32


def convolution(
    x: jax.Array, kernel: jax.Array, *, stride: Pair, pads: Pads, dilation: Pair = (1, 1), groups: int = 1
) -> jax.Array:
    """`lax.conv_general_dilated` of x [b, h, w, c] with kernel [kh, kw, c / groups, features], in the fastest form.

    Raises ZooError if more than the batch is split over the Explicit axes of a mesh, which JAX does not convolve.
    """
    # XLA divides the work where axes of a mesh are not Explicit.
    split = (*jax.typeof(x).sharding.spec[1:], *jax.typeof(kernel).sharding.spec)
    refuse_split("a convolution", "its images or its kernel", split)
    # One position has no distance to another. Projections in feature pyramids are so, and have faster forms without it.
    dilation = pair([d if w > 1 else 1 for d, w in zip(dilation, kernel.shape[:2], strict=True)])
    form = _traced_once if is_in_jit() else _fastest
    return form(x, kernel, stride=stride, pads=pads, dilation=dilation, groups=groups)


def _fastest(x: jax.Array, kernel: jax.Array, *, stride: Pair, pads: Pads, dilation: Pair, groups: int) -> jax.Array:
    default: ImagesFunction = partial(xla_conv, stride=stride, pads=pads, dilation=dilation, groups=groups)
    if groups > 1:
        # For the gradient of the kernel, XLA would gather the images of all devices on each.
        default = of_own_images(default, x.shape[0])
    on_cpu = _cpu_form(x.shape, kernel.shape, stride=stride, pads=pads, dilation=dilation, groups=groups)
    if on_cpu:
        return lax.platform_dependent(x, kernel, cpu=on_cpu, default=default)
    if has_phases(stride, dilation) and not is_symbolic(*x.shape):
        on_gpu: ImagesFunction = partial(dilated_conv, stride=stride, pads=pads, dilation=dilation, groups=groups)
        on_gpu = of_own_images(on_gpu, x.shape[0])
        return lax.platform_dependent(x, kernel, cuda=on_gpu, default=default)
    return default(x, kernel)


# Networks repeat convolutions of the same shapes: all forms of each are traced once.
_traced_once = jax.jit(_fastest, static_argnames=("stride", "pads", "dilation", "groups"), inline=True)


def _cpu_form(
    x_shape: tuple[int, ...],
    kernel_shape: tuple[int, ...],
    *,
    stride: Pair,
    pads: Pads,
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Callable[[jax.Array, jax.Array], jax.Array] | None:
    """The form that is faster than XLA's convolution on a CPU, or None."""
    _, *size, channels = x_shape
    *window, _, features = kernel_shape
    if dilation != (1, 1):
        return None
    if window == [1, 1] and groups == 1 and not any(map(any, pads)):
        return partial(pointwise_conv, stride=stride)
    if groups == channels == features and window[0] * window[1] <= MAX_UNROLLED_TAPS:
        return partial(depthwise_conv, stride=stride, pads=pads)
    if groups > 1:
        return partial(grouped_conv, stride=stride, pads=pads, groups=groups)
    if is_symbolic(*size):
        return None
    used = math.prod(map(len, map(_taps_over_image, size, window, stride, pads)))
    if any(n < w for n, w in zip(size, window, strict=True)) and used <= MAX_UNROLLED_TAPS:
        return partial(patches_conv, stride=stride, pads=pads)
    return None


def pointwise_conv(x: jax.Array, kernel: jax.Array, stride: Pair) -> jax.Array:
    """Convolution with a 1x1 kernel as a matrix product.

    The product is of flat arrays: as a convolution, its gradient would transpose the images.
    """
    x = x[:, :: stride[0], :: stride[1]]
    if is_symbolic(*x.shape):  # in jax.export, where there are no gradients
        return x @ kernel[0, 0]
    return (x.reshape(-1, x.shape[-1]) @ kernel[0, 0]).reshape(*x.shape[:3], kernel.shape[-1])


def patches_conv(x: jax.Array, kernel: jax.Array, stride: Pair, pads: Pads) -> jax.Array:
    """Convolution as one matrix product with the patches of the image (im2col).

    Taps that only cover padding are left out; where the image is smaller than the filter, that is most of them.
    """
    window = pair(kernel.shape[:2])
    used = [_taps_over_image(*axis) for axis in zip(x.shape[1:3], window, stride, pads, strict=True)]
    kernel = kernel[used[0].start : used[0].stop, used[1].start : used[1].stop]
    rows, columns = (
        (low - taps.start, high - (w - taps.stop)) for (low, high), taps, w in zip(pads, used, window, strict=True)
    )
    patches = jnp.concatenate(tap_slices(x, pair(kernel.shape[:2]), stride, (rows, columns), 0), axis=-1)
    product = patches.reshape(-1, patches.shape[-1]) @ kernel.reshape(-1, kernel.shape[-1])
    return product.reshape(*patches.shape[:3], -1)


def _taps_over_image(size: int, window: int, stride: int, pad: Pair) -> range:
    """Along one axis: from the first to the last tap that is over the image in some window; the first if none is."""
    windows = (size + sum(pad) - window) // stride + 1
    over = [t for t in range(window) if any(0 <= i * stride + t - pad[0] < size for i in range(windows))] or [0]
    return range(over[0], over[-1] + 1)


def grouped_conv(x: jax.Array, kernel: jax.Array, stride: Pair, pads: Pads, groups: int) -> jax.Array:
    """Grouped convolution as dense convolutions, each of as many groups as make `MIN_DENSE_CHANNELS` channels."""
    *_, width, features = kernel.shape
    merged = max(1, MIN_DENSE_CHANNELS // width)
    outputs = []
    for first in range(0, groups, merged):
        last = min(first + merged, groups)
        part = x[..., first * width : last * width]
        dense = dense_kernel(kernel[..., first * features // groups : last * features // groups], last - first)
        form = _cpu_form(part.shape, dense.shape, stride=stride, pads=pads)
        outputs.append((form or partial(xla_conv, stride=stride, pads=pads))(part, dense))
    return jnp.concatenate(outputs, axis=-1)


def dense_kernel(kernel: jax.Array, groups: int) -> jax.Array:
    """A grouped kernel [kh, kw, c, features] as a dense one [kh, kw, groups * c, features], zero between groups."""
    height, width, channels, features = kernel.shape
    blocks = kernel.reshape(height, width, 1, channels, groups, features // groups)
    same_group = jnp.eye(groups, dtype=kernel.dtype)[:, None, :, None]
    return (blocks * same_group).reshape(height, width, groups * channels, features)
