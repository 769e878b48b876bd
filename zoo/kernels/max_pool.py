"""Max pooling whose gradient uses switches: the position of each window's maximum, noted in the forward pass.

XLA's own gradient (select-and-scatter) searches for the maximum again: on a CPU that took most of a training step, and
on a GPU it does not compile with deterministic operations. Without a gradient, a CPU takes the maximum of slices, in a
third of the time of XLA's reduce-window. `benchmarks/speed.py` compares. Switches: Zeiler and Fergus, arXiv:1311.2901.
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

    The gradient goes to the first of equal values in row-major order, as in XLA. Windows of more than
    `MAX_UNROLLED_TAPS` pixels are XLA's, and so is their gradient.
    """
    if window[0] * window[1] > MAX_UNROLLED_TAPS:
        return _reduce_window(x, window, stride, pads)
    return _max_with_switches(x, window, stride, pads)


@partial(jax.custom_jvp, nondiff_argnums=(1, 2, 3))
def _max_with_switches(x: jax.Array, window: Pair, stride: Pair, pads: Pads) -> jax.Array:
    def max_of_slices(x: jax.Array) -> jax.Array:
        return reduce(jnp.maximum, tap_slices(x, window, stride, pads, -jnp.inf))

    default = partial(_reduce_window, window=window, stride=stride, pads=pads)
    return lax.platform_dependent(x, cpu=max_of_slices, default=default)


def _reduce_window(x: jax.Array, window: Pair, stride: Pair, pads: Pads) -> jax.Array:
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, *window, 1), (1, *stride, 1), ((0, 0), *pads, (0, 0)))


@_max_with_switches.defjvp
def _jvp(window: Pair, stride: Pair, pads: Pads, primals: tuple, tangents: tuple) -> tuple[jax.Array, jax.Array]:
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
