"""Dilated convolution for a GPU: XLA's, but with a gradient of the kernel for which cuDNN has a function.

The gradient of a kernel is a convolution whose stride is the dilation. XLA calls cuDNN's function for it only where
that stride is 1. Else it makes a forward convolution with kernels as large as the image, and transposes whole images.

Here an image is taken apart into its phases. Phase i of an axis are its positions i, i + dilation, i + 2 dilation, ...:
what a dilated window covers is in one phase, where it is a window without dilation.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from zoo.geometry import Pads, Pair, pair
from zoo.kernels.product_rule import product_rule
from zoo.kernels.xla_conv import xla_conv


def has_phases(stride: Pair, dilation: Pair) -> bool:
    """Whether `dilated_conv` takes them: along each axis a stride of 1, or of a multiple of the dilation."""
    return dilation != (1, 1) and all(s == 1 or s % d == 0 for s, d in zip(stride, dilation, strict=True))


@partial(jax.custom_jvp, nondiff_argnums=(2, 3, 4, 5))
def dilated_conv(x: jax.Array, kernel: jax.Array, stride: Pair, pads: Pads, dilation: Pair, groups: int) -> jax.Array:
    """`lax.conv_general_dilated` of x [b, h, w, c] with kernel [kh, kw, c / groups, features]; see `has_phases`."""
    # With one phase alone no work is added, and the gradient of x has no dilated kernel either.
    has_one_phase = all(s % d == 0 for s, d in zip(stride, dilation, strict=True))
    form = conv_by_phases if has_one_phase else xla_conv
    return form(x, kernel, stride=stride, pads=pads, dilation=dilation, groups=groups)


@partial(dilated_conv.defjvp, symbolic_zeros=True)
def _jvp(
    stride: Pair, pads: Pads, dilation: Pair, groups: int, primals: tuple, tangents: tuple
) -> tuple[jax.Array, jax.Array]:
    (x, kernel), (x_tangent, kernel_tangent) = primals, tangents
    by_phases = partial(conv_by_phases, stride=stride, pads=pads, dilation=dilation, groups=groups)
    # The checkpoint keeps x for the backward pass, instead of its phases.
    along_kernel = jax.checkpoint(by_phases, prevent_cse=False)
    tangent = product_rule(
        (lambda tangent: dilated_conv(tangent, kernel, stride, pads, dilation, groups), x_tangent),
        (lambda tangent: along_kernel(x, tangent), kernel_tangent),
    )
    return dilated_conv(x, kernel, stride, pads, dilation, groups), tangent


def conv_by_phases(x: jax.Array, kernel: jax.Array, stride: Pair, pads: Pads, dilation: Pair, groups: int) -> jax.Array:
    """The same convolution as one without dilation, of the phases of the images as images of a larger batch."""
    rows, columns = map(_plan, x.shape[1:3], pair(kernel.shape[:2]), stride, pads, dilation)
    x = lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), rows.pads, columns.pads, (0, 0, 0)))
    phases = _split(_split(x, 2, dilation[1]), 1, dilation[0])[:, :, : rows.phases, :, : columns.phases]
    larger_batch = _joined(_joined(phases.transpose(0, 2, 4, 1, 3, 5), 0), 0)
    y = xla_conv(larger_batch, kernel, stride=(rows.stride, columns.stride), pads=((0, 0), (0, 0)), groups=groups)
    y = _split(_split(y, 0, columns.phases), 0, rows.phases).transpose(0, 3, 1, 4, 2, 5)
    return _joined(_joined(y, 3), 1)[:, : rows.outputs, : columns.outputs]


def _split(x: jax.Array, axis: int, inner: int) -> jax.Array:
    """The axis as two, of which the second one has `inner` positions."""
    return x.reshape(*x.shape[:axis], x.shape[axis] // inner, inner, *x.shape[axis + 1 :])


def _joined(x: jax.Array, axis: int) -> jax.Array:
    """The axis and the one after it as one. Along Explicit axes of a mesh JAX joins no three."""
    return x.reshape(*x.shape[:axis], x.shape[axis] * x.shape[axis + 1], *x.shape[axis + 2 :])


class _Plan(NamedTuple):
    """Along one axis: how many phases are convolved, their length and the stride in them; the size of the output; and
    the padding with which all phases have that length.
    """

    phases: int
    length: int
    stride: int
    outputs: int
    pads: tuple[int, int, int]


def _plan(size: int, window: int, stride: int, pad: Pair, dilation: int) -> _Plan:
    outputs = (size + sum(pad) - dilation * (window - 1) - 1) // stride + 1
    # With a stride that is a multiple of the dilation, all windows are in phase 0. Else the stride is 1.
    phases, stride = (1, stride // dilation) if stride % dilation == 0 else (dilation, 1)
    length = (-(-outputs // phases) - 1) * stride + window
    return _Plan(phases, length, stride, outputs, (pad[0], dilation * length - size - pad[0], 0))
