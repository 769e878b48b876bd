"""Max pooling whose gradient goes back by switches: the place of each window's largest value, from the forward pass.

XLA's own gradient, select-and-scatter, looks for the largest value again: on a CPU that took most of a training step,
and on a GPU it does not compile with deterministic operations. Without a gradient a CPU takes the largest of the views,
in a third of the time of XLA's reduce-window. `benchmarks/speed.py` compares.
"""

from functools import partial, reduce

import jax
import jax.numpy as jnp
from jax import lax

from zoo.geometry import Pads
from zoo.kernels.linear_transpose import linear
from zoo.kernels.sliding_windows import MOST_TAPS, Tap, Two, gathered, views


@partial(jax.custom_jvp, nondiff_argnums=(1, 2, 3))
def max_pool(x: jax.Array, window: Two, stride: Two, pads: Pads) -> jax.Array:
    """Largest value of each window of x [b, h, w, c]. Of equal values the first in a row-major order gets the gradient,
    as in XLA."""

    def largest(x: jax.Array) -> jax.Array:
        return reduce(jnp.maximum, views(x, window, stride, pads, -jnp.inf))

    def reduced(x: jax.Array) -> jax.Array:
        return lax.reduce_window(x, -jnp.inf, lax.max, (1, *window, 1), (1, *stride, 1), ((0, 0), *pads, (0, 0)))

    few = window[0] * window[1] <= MOST_TAPS
    return lax.platform_dependent(x, cpu=largest, default=reduced) if few else reduced(x)


@max_pool.defjvp
def _jvp(window: Two, stride: Two, pads: Pads, primals: tuple, tangents: tuple) -> tuple[jax.Array, jax.Array]:
    (x,), (tangent,) = primals, tangents
    own = {"window": window, "stride": stride, "pads": pads}
    y, switches = pool_with_switches(x, **own)
    return y, linear(partial(switched, **own), partial(unpool, size=x.shape[1:3], **own), tangent, switches)


def pool_with_switches(x: jax.Array, window: Two, stride: Two, pads: Pads) -> tuple[jax.Array, jax.Array]:
    """The largest value of each window, and its tap's number, from 1, row by row; int8 where that holds it."""
    largest, *others = views(x, window, stride, pads, -jnp.inf)
    kind = jnp.int8 if len(others) < 127 else jnp.int16
    switches = jnp.ones(largest.shape, kind)
    for number, values in enumerate(others, 2):
        switches = jnp.where(values > largest, kind(number), switches)
        largest = jnp.maximum(largest, values)
    return largest, switches


def switched(x: jax.Array, switches: jax.Array, window: Two, stride: Two, pads: Pads) -> jax.Array:
    """Of each window of x the value where its switch says; zero where it says none."""
    seen = views(x, window, stride, pads, 0)
    return sum(jnp.where(switches == number, values, 0) for number, values in enumerate(seen, 1))


def unpool(y: jax.Array, switches: jax.Array, size: Two, window: Two, stride: Two, pads: Pads) -> jax.Array:
    """[b, *size, c] with each value of y where its switch says, summed where windows overlap, zero elsewhere."""

    def routed(tap: Tap, y: jax.Array, switches: jax.Array) -> jax.Array:
        return jnp.where(switches == 1 + tap[0] * window[1] + tap[1], y, jnp.zeros((), y.dtype))

    return gathered((y, switches), routed, size, window, stride, pads)
