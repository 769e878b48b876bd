"""Pooling worked on real numbers: a corner of the sample image, and the lesson's grid."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.report.layers.layers import Counted

PLACES = 3


@dataclass(frozen=True)
class Cell:
    """A place of the output: its window's corner (row, column), the values in it, and what becomes of them."""

    row: int
    column: int
    values: tuple[str, ...]
    largest: str
    mean: str


@dataclass(frozen=True)
class Pooled:
    """A grid of numbers and its pools; `window` and `stride` are (height, width)."""

    title: str
    about: str
    window: tuple[int, int]
    stride: tuple[int, int]
    grid: tuple[tuple[str, ...], ...]
    cells: tuple[tuple[Cell, ...], ...]


LESSON_GRID = ((0, 1, 0.5, 10), (2, 2.5, 1, -8), (4, 0, 5, 6), (15, 1, 2, 3))


def lesson_pool() -> Pooled:
    """The lesson's practice."""
    grid = np.array(LESSON_GRID)
    return _pooled("The lesson’s grid", "4×4, window 2×2, stride 2, no padding", grid, (2, 2), (2, 2), 3)


def sample_pool(network: Counted, grey: np.ndarray) -> Pooled | None:
    """The network's first pool with a stride, or a 2x2 one, on the part of the image where the most happens.

    None where the image is smaller than the window.
    """
    pools = [layer for layer in network.layers if layer.window and not layer.window.is_conv]
    first = next((layer for layer in pools if max(layer.window.stride) > 1 and max(layer.window.kernel) <= 3), None)
    window, stride = (first.window.kernel, first.window.stride) if first else ((2, 2), (2, 2))
    if any(size < wanted for size, wanted in zip(grey.shape, window, strict=True)):
        return None
    height, width = ((PLACES - 1) * s + w for s, w in zip(stride, window, strict=True))
    top, left = _liveliest(grey, height, width)
    grid = grey[top : top + height, left : left + width]
    made = "" if grey.shape == network.image_shape[:2] else f", here {grey.shape[0]}×{grey.shape[1]},"
    moved = str(stride[0]) if stride[0] == stride[1] else f"{stride[0]}×{stride[1]}"
    whose = f"as the network’s first pool has them ({first.row.path or first.row.operation})" if first else "as usual"
    about = (
        f"Brightness, 0 to 255, of the sample image’s pixels{made} at rows {top} to {top + len(grid) - 1} and columns "
        f"{left} to {left + grid.shape[1] - 1}; window {window[0]}×{window[1]} and stride {moved}, {whose}."
    )
    return _pooled("The sample image", about, grid, window, stride, 1)


def _liveliest(grey: np.ndarray, height: int, width: int) -> tuple[int, int]:
    """Corner of the patch whose values differ the most."""
    height, width = min(height, grey.shape[0]), min(width, grey.shape[1])
    patches = np.lib.stride_tricks.sliding_window_view(grey.astype(np.float32), (height, width))
    spread = patches[::4, ::4].std(axis=(2, 3))
    row, column = np.unravel_index(int(spread.argmax()), spread.shape)
    return int(row) * 4, int(column) * 4


def _pooled(
    title: str, about: str, grid: np.ndarray, window: Sequence[int], stride: Sequence[int], decimals: int
) -> Pooled:
    rows, columns = ((n - w) // s + 1 for n, w, s in zip(grid.shape, window, stride, strict=True))
    cells = tuple(
        tuple(_cell(grid, i * stride[0], j * stride[1], window, decimals) for j in range(columns)) for i in range(rows)
    )
    shown = tuple(tuple(_number(value, decimals) for value in line) for line in grid)
    return Pooled(title, about, tuple(window), tuple(stride), shown, cells)


def _cell(grid: np.ndarray, row: int, column: int, window: Sequence[int], decimals: int) -> Cell:
    values = grid[row : row + window[0], column : column + window[1]].astype(float).ravel()
    shown = tuple(_number(value, decimals) for value in values)
    return Cell(row, column, shown, _number(values.max(), decimals), _number(values.mean(), decimals))


def _number(value: float, decimals: int) -> str:
    """At most so many decimals, and a true minus."""
    return f"{round(float(value), decimals):g}".replace("-", "−")
