"""Max pooling whose gradient searches for no maximum again.

XLA's own gradient (select-and-scatter) does: on a CPU that took most of a training step, and on a GPU it does not
compile with deterministic operations. Here small windows note switches in the forward pass: the position of each
window's maximum (Zeiler and Fergus, arXiv:1311.2901). Large windows are halved again and again. Without a gradient, a
CPU takes the maximum of slices, in a third of the time of XLA's reduce-window. `benchmarks/speed.py` compares.
"""

from functools import partial, reduce

import jax
import jax.numpy as jnp
from jax import lax

from zoo.geometry import Pads, Pair
from zoo.kernels.sliding_windows import MAX_UNROLLED_TAPS, Tap, sum_for_fast_transpose, tap_slices


# Outside of jit, one program for each geometry; inlined elsewhere.
@partial(jax.jit, static_argnames=("window", "stride", "pads"), inline=True)
def sliding_max(x: jax.Array, window: Pair, stride: Pair, pads: Pads) -> jax.Array:
    """Maximum of each window of x [b, h, w, c]; padding is -inf.

    The gradient goes to the first of equal values in row-major order, as in XLA.
    """
    return _sliding_max(x, window, stride, pads)


@partial(jax.custom_jvp, nondiff_argnums=(1, 2, 3))
def _sliding_max(x: jax.Array, window: Pair, stride: Pair, pads: Pads) -> jax.Array:
    on_cpu = _max_of_slices if _has_switches(window) else max_by_halves
    return lax.platform_dependent(
        x,
        cpu=partial(on_cpu, window=window, stride=stride, pads=pads),
        default=partial(_reduce_window, window=window, stride=stride, pads=pads),
    )


def _has_switches(window: Pair) -> bool:
    return window[0] * window[1] <= MAX_UNROLLED_TAPS


def _max_of_slices(x: jax.Array, window: Pair, stride: Pair, pads: Pads) -> jax.Array:
    return reduce(jnp.maximum, tap_slices(x, window, stride, pads, -jnp.inf))


def _reduce_window(x: jax.Array, window: Pair, stride: Pair, pads: Pads) -> jax.Array:
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, *window, 1), (1, *stride, 1), ((0, 0), *pads, (0, 0)))


@_sliding_max.defjvp
def _jvp(window: Pair, stride: Pair, pads: Pads, primals: tuple, tangents: tuple) -> tuple[jax.Array, jax.Array]:
    if not _has_switches(window):
        return jax.jvp(partial(max_by_halves, window=window, stride=stride, pads=pads), primals, tangents)
    (x,), (tangent,) = primals, tangents
    y, switches = pool_with_switches(x, window, stride, pads)
    # The checkpoint keeps the switches for the backward pass, instead of one comparison of them for each tap.
    select = jax.checkpoint(partial(select_by_switches, window=window, stride=stride, pads=pads), prevent_cse=False)
    return y, select(tangent, switches)


def pool_with_switches(x: jax.Array, window: Pair, stride: Pair, pads: Pads) -> tuple[jax.Array, jax.Array]:
    """Maximum of each window, and the number of its tap, counted from 1 row by row: at most `MAX_UNROLLED_TAPS`."""
    largest, *others = tap_slices(x, window, stride, pads, -jnp.inf)
    switches = jnp.ones(largest.shape, jnp.int8)
    for number, values in enumerate(others, 2):
        switches = jnp.where(values > largest, jnp.int8(number), switches)
        largest = jnp.maximum(largest, values)
    return largest, switches


def select_by_switches(x: jax.Array, switches: jax.Array, window: Pair, stride: Pair, pads: Pads) -> jax.Array:
    """The value of x in each window at the tap that the switch names. Its transpose is unpooling, summed on overlap."""

    def selected(tap: Tap, values: jax.Array, switches: jax.Array) -> jax.Array:
        return jnp.where(switches == 1 + tap[0] * window[1] + tap[1], values, 0)

    return sum_for_fast_transpose(x, selected, switches, window=window, stride=stride, pads=pads)


def max_by_halves(x: jax.Array, window: Pair, stride: Pair, pads: Pads) -> jax.Array:
    """Maximum of each window in a number of operations that is logarithmic in its size: along rows, then columns.

    The maximum of a window is the larger one of two windows that cover it, and those of all positions are computed
    together. The first of equal values in row-major order has the gradient: the first row with the maximum, then its
    first column.
    """
    x = lax.pad(x, jnp.array(-jnp.inf, x.dtype), ((0, 0, 0), *((low, high, 0) for low, high in pads), (0, 0, 0)))
    for axis in (2, 1):
        covered = 1
        while covered < window[axis - 1]:
            step = min(covered, window[axis - 1] - covered)
            x = _larger(lax.slice_in_dim(x, 0, -step, axis=axis), lax.slice_in_dim(x, step, None, axis=axis))
            covered += step
        x = lax.slice_in_dim(x, 0, None, stride[axis - 1], axis=axis)
    return x


@jax.custom_jvp
def _larger(first: jax.Array, second: jax.Array) -> jax.Array:
    """The larger one; the first one of equal values has the gradient, where that of `lax.max` is split."""
    return lax.max(first, second)


@_larger.defjvp
def _larger_jvp(primals: tuple, tangents: tuple) -> tuple[jax.Array, jax.Array]:
    return _larger(*primals), lax.select(primals[1] > primals[0], tangents[1], tangents[0])
