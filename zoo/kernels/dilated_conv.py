"""Dilated convolution for a GPU: XLA's, with a gradient of the kernel for which cuDNN has a function.

The dilation is the stride of that gradient. XLA calls cuDNN's gradient of a kernel only where it has none, and makes of
all others a forward convolution with kernels as large as the image, between transposes of whole images.
"""

import operator
from functools import partial, reduce
from itertools import product
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from zoo.geometry import Pads, Pair, pair
from zoo.kernels.product_rule import product_rule
from zoo.kernels.xla_conv import xla_conv


def has_phases(stride: Pair, dilation: Pair) -> bool:
    """Whether `dilated_conv` is for them."""
    return dilation != (1, 1) and all(s == 1 or s % d == 0 for s, d in zip(stride, dilation, strict=True))


@partial(jax.custom_jvp, nondiff_argnums=(2, 3, 4, 5))
def dilated_conv(x: jax.Array, kernel: jax.Array, stride: Pair, pads: Pads, dilation: Pair, groups: int) -> jax.Array:
    """`lax.conv_general_dilated` of x [b, h, w, c] with kernel [kh, kw, c / groups, features]; see `has_phases`."""
    # Of one phase the gradient of x needs no dilated kernel either.
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
    """The same convolution as one without dilation, of the phases of the images as images of a larger batch.

    Phase i of an axis are its positions i, i + dilation, i + 2 dilation, ...
    """
    plans = [*map(_plan, x.shape[1:3], pair(kernel.shape[:2]), stride, pads, dilation)]
    x = lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), *(plan.pads for plan in plans), (0, 0, 0)))
    starts = [*product(*(range(plan.phases) for plan in plans))]
    phases = [x[:, row :: dilation[0], column :: dilation[1]] for row, column in starts]
    strides = (plans[0].stride, plans[1].stride)
    y = xla_conv(jnp.concatenate(phases), kernel, stride=strides, pads=((0, 0), (0, 0)), groups=groups)
    return reduce(operator.add, map(partial(_put_back, plans), jnp.split(y, len(starts)), starts))


class _Plan(NamedTuple):
    """Along one axis: how many phases are convolved, with which stride, and what is padded before."""

    phases: int
    stride: int
    pads: tuple[int, int, int]
    outputs: int


def _plan(size: int, window: int, stride: int, pad: Pair, dilation: int) -> _Plan:
    outputs = (size + sum(pad) - dilation * (window - 1) - 1) // stride + 1
    # With a stride that is a multiple of the dilation, all windows are in phase 0.
    phases, stride = (1, stride // dilation) if stride % dilation == 0 else (dilation, 1)
    length = (-(-outputs // phases) - 1) * stride + window
    return _Plan(phases, stride, (pad[0], dilation * length - size - pad[0], 0), outputs)


def _put_back(plans: list[_Plan], y: jax.Array, starts: Pair) -> jax.Array:
    """The output of a phase at its positions among those of all."""
    pads = [
        (start, plan.outputs - start - (size - 1) * plan.phases - 1, plan.phases - 1)
        for plan, size, start in zip(plans, y.shape[1:3], starts, strict=True)
    ]
    return lax.pad(y, jnp.zeros((), y.dtype), ((0, 0, 0), *pads, (0, 0, 0)))
