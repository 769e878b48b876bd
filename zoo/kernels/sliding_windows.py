"""Sliding windows as slices and sums: one slice of the image for each position inside the window.

A tap is a position (row, column) inside the window; taps are numbered row by row. XLA compiles such slices and sums to
one vectorised loop over the channels, also where it has no fast operation for the window as a whole.
"""

from collections.abc import Callable, Iterator
from functools import reduce
from itertools import product
from operator import add

import jax
import jax.numpy as jnp
from jax import lax

from zoo.geometry import Pads, Pair

# Every tap is compiled separately, so large windows compile slowly. 7x7 (ConvNeXt) is the largest that was measured.
MAX_UNROLLED_TAPS = 49

Tap = tuple[int, int]


def taps(window: Pair) -> Iterator[Tap]:
    """(row, column) of each position in a window, row by row."""
    return product(range(window[0]), range(window[1]))


def tap_slices(x: jax.Array, window: Pair, stride: Pair, pads: Pads, fill: float) -> list[jax.Array]:
    """For each tap, the values of x [b, h, w, c] under it in all windows: a list of [b, rows, columns, c].

    The image is padded with `fill`.
    """
    x = lax.pad(x, jnp.array(fill, x.dtype), ((0, 0, 0), *((low, high, 0) for low, high in pads), (0, 0, 0)))
    rows, columns = ((n - w) // s + 1 for n, w, s in zip(x.shape[1:3], window, stride, strict=True))
    height, width = stride[0] * (rows - 1) + 1, stride[1] * (columns - 1) + 1
    return [
        lax.slice(x, (0, top, left, 0), (x.shape[0], top + height, left + width, x.shape[3]), (1, *stride, 1))
        for top, left in taps(window)
    ]


def sum_for_fast_transpose(
    x: jax.Array,
    term: Callable[..., jax.Array],
    *arrays: jax.Array,
    window: Pair,
    stride: Pair,
    pads: Pads,
) -> jax.Array:
    """[b, rows, columns, c]: in each window of x [b, h, w, c], the sum over all taps of term(tap, values, *arrays).

    The values are those of `tap_slices`, padded with zeros, and each of the `arrays` has one element for each of them:
    [b, rows, columns, c]. `term` must be linear in the values. JAX transposes each operation; written like this, the
    transpose is overlap-add by slices: where the image is covered by the same taps, at all pixels with the same
    remainder modulo the stride, it is a dense sum, and the sums are interleaved at the end. The transpose of
    `tap_slices` would pad the contribution of each tap to the size of the image.
    """
    windows = [(n + sum(pad) - w) // s + 1 for n, pad, w, s in zip(x.shape[1:3], pads, window, stride, strict=True)]
    blocks = [-(-(n + sum(pad)) // s) for n, pad, s in zip(x.shape[1:3], pads, stride, strict=True)]
    reach = [-(-w // s) for w, s in zip(window, stride, strict=True)]
    border = [(r - 1, max(0, n - count)) for r, n, count in zip(reach, blocks, windows, strict=True)]
    remainders = _remainders(x, blocks, stride, pads)
    arrays = tuple(jnp.pad(array, ((0, 0), *border, (0, 0))) for array in arrays)

    def contribution(tap: Tap) -> jax.Array:
        starts = [r - 1 - t // s for r, t, s in zip(reach, tap, stride, strict=True)]
        rows, columns = (slice(start, start + n) for start, n in zip(starts, blocks, strict=True))
        values = term(
            tap, remainders[tap[0] % stride[0]][tap[1] % stride[1]], *(array[:, rows, columns] for array in arrays)
        )
        after = [
            low + count + high - start - n
            for start, n, (low, high), count in zip(starts, blocks, border, windows, strict=True)
        ]
        axes = [(start, n, 0) for start, n in zip(starts, after, strict=True)]
        return lax.pad(values, jnp.zeros((), values.dtype), ((0, 0, 0), *axes, (0, 0, 0)))

    # Reversed, so that the transpose adds the taps row by row.
    total = reduce(add, map(contribution, reversed(list(taps(window)))))
    (top, _), (left, _) = border
    return total[:, top : top + windows[0], left : left + windows[1]]


def _remainders(x: jax.Array, blocks: list[int], stride: Pair, pads: Pads) -> list[list[jax.Array]]:
    """The padded image by the remainders of row and column modulo the stride: each [b, *blocks, c]."""
    size = [n * s for n, s in zip(blocks, stride, strict=True)]
    axes = [(low, n - low - old, 0) for n, (low, _), old in zip(size, pads, x.shape[1:3], strict=True)]
    x = lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), *axes, (0, 0, 0)))
    batch, channels = x.shape[0], x.shape[3]
    # One axis after the other: no mesh with Explicit axes can reshape two at once.
    x = x.reshape(batch, size[0], blocks[1], stride[1], channels)
    x = x.reshape(batch, blocks[0], stride[0], blocks[1], stride[1], channels)
    return [
        [column.squeeze((2, 4)) for column in lax.split(row, (1,) * stride[1], axis=4)]
        for row in lax.split(x, (1,) * stride[0], axis=2)
    ]
