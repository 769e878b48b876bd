"""Sliding windows as slices and sums: one slice of the image for each position inside the window, and the transpose.

A tap is a position (row, column) inside the window; taps are numbered row by row. XLA compiles such slices and sums to
one vectorised loop over the channels, also where it has no fast operation for the window as a whole.
"""

from collections.abc import Callable, Iterator
from itertools import product

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


def overlap_add(
    arrays: tuple[jax.Array, ...],
    term: Callable[..., jax.Array],
    *,
    size: Pair,
    window: Pair,
    stride: Pair,
    pads: Pads,
) -> jax.Array:
    """The transpose of `tap_slices`: [b, *size, c], at each pixel the sum over all windows that cover it.

    `term(tap, *slices)` is the contribution of one tap, computed from slices of the `arrays` [b, rows, columns, c],
    which are zero beyond their borders. Pixels with the same remainder modulo the stride are covered by the same taps,
    so each remainder is a dense sum; the sums are interleaved at the end.
    """
    batch, *counts, channels = arrays[0].shape
    reach = [-(-w // s) for w, s in zip(window, stride, strict=True)]
    blocks = [-(-(n + sum(pad)) // s) for n, pad, s in zip(size, pads, stride, strict=True)]
    border = [(r - 1, max(0, n - count)) for r, n, count in zip(reach, blocks, counts, strict=True)]
    arrays = tuple(jnp.pad(array, ((0, 0), *border, (0, 0))) for array in arrays)

    def remainder_sum(top: int, left: int) -> jax.Array:
        total = jnp.zeros((batch, *blocks, channels), arrays[0].dtype)
        for tap in product(range(top, window[0], stride[0]), range(left, window[1], stride[1])):
            rows, columns = (
                slice(r - 1 - t // s, r - 1 - t // s + n) for r, t, s, n in zip(reach, tap, stride, blocks, strict=True)
            )
            total += term(tap, *(array[:, rows, columns] for array in arrays))
        return total

    rows = [jnp.stack([remainder_sum(top, left) for left in range(stride[1])], axis=3) for top in range(stride[0])]
    padded = jnp.stack(rows, axis=2).reshape(batch, blocks[0] * stride[0], blocks[1] * stride[1], channels)
    (top, _), (left, _) = pads
    return padded[:, top : top + size[0], left : left + size[1]]
