"""Windows that slide over images, tap by tap: the slices that one place of all windows sees, and the way back.

A tap is (row, column) of a place in the window; its number counts row by row. Written as slices and sums, windows are
dense arithmetic that XLA turns in one loop over channels, where it has no fast operation of its own.
"""

from collections.abc import Callable, Iterator
from itertools import product

import jax
import jax.numpy as jnp
from jax import lax

from zoo.geometry import Pads

# Each tap is compiled by itself; 7x7, ConvNeXt's, is the largest window of the zoo that is slid.
MOST_TAPS = 49

Two = tuple[int, int]
Tap = tuple[int, int]


def taps(window: Two) -> Iterator[Tap]:
    """(row, column) of each place in a window, row by row."""
    return product(range(window[0]), range(window[1]))


def views(x: jax.Array, window: Two, stride: Two, pads: Pads, fill: float) -> list[jax.Array]:
    """What each tap sees of x [b, h, w, c], padded with `fill`: an array [b, rows, columns, c] a tap."""
    x = lax.pad(x, jnp.array(fill, x.dtype), ((0, 0, 0), *((low, high, 0) for low, high in pads), (0, 0, 0)))
    rows, columns = ((n - w) // s + 1 for n, w, s in zip(x.shape[1:3], window, stride, strict=True))
    ends = (stride[0] * (rows - 1) + 1, stride[1] * (columns - 1) + 1)
    return [
        lax.slice(x, (0, top, left, 0), (x.shape[0], top + ends[0], left + ends[1], x.shape[3]), (1, *stride, 1))
        for top, left in taps(window)
    ]


def gathered(
    arrays: tuple[jax.Array, ...],
    term: Callable[..., jax.Array],
    size: Two,
    window: Two,
    stride: Two,
    pads: Pads,
) -> jax.Array:
    """The transpose of `views`: [b, *size, c], at each place the sum over the windows that cover it.

    `term(tap, *slices)` is what one tap brings there, of slices of the `arrays` [b, rows, columns, c]; beyond their
    borders they are zero. Places whose numbers have one remainder by the stride are covered by the same taps: a
    remainder is a dense sum, and they are interleaved at the end.
    """
    batch, *counts, channels = arrays[0].shape
    reach = [-(-w // s) for w, s in zip(window, stride, strict=True)]
    places = [-(-(n + sum(pad)) // s) for n, pad, s in zip(size, pads, stride, strict=True)]
    border = [(r - 1, max(0, n - count)) for r, n, count in zip(reach, places, counts, strict=True)]
    arrays = tuple(jnp.pad(array, ((0, 0), *border, (0, 0))) for array in arrays)

    def of_remainder(top: int, left: int) -> jax.Array:
        total = jnp.zeros((batch, *places, channels), arrays[0].dtype)
        for tap in product(range(top, window[0], stride[0]), range(left, window[1], stride[1])):
            rows, columns = (
                slice(r - 1 - t // s, r - 1 - t // s + n) for r, t, s, n in zip(reach, tap, stride, places, strict=True)
            )
            total += term(tap, *(array[:, rows, columns] for array in arrays))
        return total

    rows = [jnp.stack([of_remainder(top, left) for left in range(stride[1])], axis=3) for top in range(stride[0])]
    whole = jnp.stack(rows, axis=2).reshape(batch, places[0] * stride[0], places[1] * stride[1], channels)
    (top, _), (left, _) = pads
    return whole[:, top : top + size[0], left : left + size[1]]
