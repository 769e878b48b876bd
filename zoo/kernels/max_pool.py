"""Max pooling whose gradient uses switches: the position of each window's maximum, noted in the forward pass.

XLA's own gradient (select-and-scatter) searches for the maximum again: on a CPU that took most of a training step, and
on a GPU it does not compile with deterministic operations. Without a gradient, a CPU takes the maximum of slices, in a
third of the time of XLA's reduce-window. `benchmarks/speed.py` compares. Switches: Zeiler and Fergus, arXiv:1311.2901.
"""

from functools import partial, reduce

import jax
import jax.numpy as jnp
from jax import lax

from zoo.geometry import Pads, Pair, pair
from zoo.kernels.linear_transpose import linear_with_transpose
from zoo.kernels.sliding_windows import MAX_UNROLLED_TAPS, Tap, overlap_add, tap_slices


@partial(jax.custom_jvp, nondiff_argnums=(1, 2, 3))
def sliding_max(x: jax.Array, window: Pair, stride: Pair, pads: Pads) -> jax.Array:
    """Maximum of each window of x [b, h, w, c]; padding is -inf.

    The gradient goes to the first of equal values in row-major order, as in XLA.
    """

    def max_of_slices(x: jax.Array) -> jax.Array:
        return reduce(jnp.maximum, tap_slices(x, window, stride, pads, -jnp.inf))

    def reduce_window(x: jax.Array) -> jax.Array:
        return lax.reduce_window(x, -jnp.inf, lax.max, (1, *window, 1), (1, *stride, 1), ((0, 0), *pads, (0, 0)))

    if window[0] * window[1] > MAX_UNROLLED_TAPS:
        return reduce_window(x)
    return lax.platform_dependent(x, cpu=max_of_slices, default=reduce_window)


@sliding_max.defjvp
def _jvp(window: Pair, stride: Pair, pads: Pads, primals: tuple, tangents: tuple) -> tuple[jax.Array, jax.Array]:
    (x,), (tangent,) = primals, tangents
    y, switches = pool_with_switches(x, window, stride, pads)
    forward = partial(select_by_switches, window=window, stride=stride, pads=pads)
    transposed = partial(unpool, size=pair(x.shape[1:3]), window=window, stride=stride, pads=pads)
    return y, linear_with_transpose(forward, transposed, tangent, switches)


def pool_with_switches(x: jax.Array, window: Pair, stride: Pair, pads: Pads) -> tuple[jax.Array, jax.Array]:
    """Maximum of each window, and the number of its tap, counted from 1 row by row; int8 where that is enough."""
    largest, *others = tap_slices(x, window, stride, pads, -jnp.inf)
    dtype = jnp.int8 if len(others) < 127 else jnp.int16
    switches = jnp.ones(largest.shape, dtype)
    for number, values in enumerate(others, 2):
        switches = jnp.where(values > largest, dtype(number), switches)
        largest = jnp.maximum(largest, values)
    return largest, switches


def select_by_switches(x: jax.Array, switches: jax.Array, window: Pair, stride: Pair, pads: Pads) -> jax.Array:
    """The value of x in each window at the tap that the switch names; zero where the switch is 0."""
    slices = tap_slices(x, window, stride, pads, 0)
    return sum(jnp.where(switches == number, values, 0) for number, values in enumerate(slices, 1))


def unpool(y: jax.Array, switches: jax.Array, size: Pair, window: Pair, stride: Pair, pads: Pads) -> jax.Array:
    """[b, *size, c] with each value of y at the tap of its switch, summed where windows overlap, zero elsewhere."""

    def routed(tap: Tap, y: jax.Array, switches: jax.Array) -> jax.Array:
        return jnp.where(switches == 1 + tap[0] * window[1] + tap[1], y, jnp.zeros((), y.dtype))

    return overlap_add((y, switches), routed, size=size, window=window, stride=stride, pads=pads)
