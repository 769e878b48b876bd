"""Pooling on real numbers: the lesson's grid, and a part of the sample image."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.report.layers.counted_network import CountedNetwork

# Output positions along each axis of the sample image's example.
OUTPUT_SIZE = 3
# The part of the sample image is searched for in steps of this many pixels.
SEARCH_STEP = 4
LESSON_GRID = ((0, 1, 0.5, 10), (2, 2.5, 1, -8), (4, 0, 5, 6), (15, 1, 2, 3))


@dataclass(frozen=True)
class PoolWindow:
    """One position of the output: its window's top left corner, the values in the window, their maximum and mean."""

    row: int
    column: int
    values: tuple[str, ...]
    maximum: str
    mean: str


@dataclass(frozen=True)
class PoolingExample:
    """A grid of numbers and its windows, row by row; `window` and `stride` are (height, width)."""

    title: str
    about: str
    window: tuple[int, int]
    stride: tuple[int, int]
    grid: tuple[tuple[str, ...], ...]
    windows: tuple[tuple[PoolWindow, ...], ...]


def lesson_pooling() -> PoolingExample:
    """The lesson's exercise."""
    return _pooling_example(
        "The lesson’s grid",
        "4×4, window 2×2, stride 2, no padding",
        np.array(LESSON_GRID),
        window=(2, 2),
        stride=(2, 2),
        decimals=3,
    )


def sample_image_pooling(network: CountedNetwork, grey: np.ndarray) -> PoolingExample | None:
    """The network's first pool with a stride, or 2x2 without any, on the most varied part of the sample image.

    `grey` is uint8 [height, width]. None if it is smaller than the window.
    """
    pools = [(layer.row, layer.window) for layer in network.layers if layer.window and not layer.window.is_conv]
    small = ((row, pool) for row, pool in pools if max(pool.stride) > 1 and max(pool.kernel) <= 3)
    first, pool = next(small, (None, None))
    window, stride = (pool.kernel, pool.stride) if pool else ((2, 2), (2, 2))
    if any(size < extent for size, extent in zip(grey.shape, window, strict=True)):
        return None
    height, width = ((OUTPUT_SIZE - 1) * step + extent for step, extent in zip(stride, window, strict=True))
    top, left = _most_varied_patch(grey, height, width)
    grid = grey[top : top + height, left : left + width]
    scaled = "" if grey.shape == network.image_shape[:2] else f", here {grey.shape[0]}×{grey.shape[1]},"
    step = str(stride[0]) if stride[0] == stride[1] else f"{stride[0]}×{stride[1]}"
    reason = f"those of the network’s first pool ({first.path or first.operation})" if first else "as usual"
    about = (
        f"Brightness, 0 to 255, of the sample image’s pixels{scaled} at rows {top} to {top + len(grid) - 1} and "
        f"columns {left} to {left + grid.shape[1] - 1}; window {window[0]}×{window[1]} and stride {step}, {reason}."
    )
    return _pooling_example("The sample image", about, grid, window=window, stride=stride, decimals=1)


def _most_varied_patch(grey: np.ndarray, height: int, width: int) -> tuple[int, int]:
    """Top left corner of the patch whose values have the largest standard deviation."""
    height, width = min(height, grey.shape[0]), min(width, grey.shape[1])
    patches = np.lib.stride_tricks.sliding_window_view(grey.astype(np.float32), (height, width))
    deviation = patches[::SEARCH_STEP, ::SEARCH_STEP].std(axis=(2, 3))
    row, column = np.unravel_index(int(deviation.argmax()), deviation.shape)
    return int(row) * SEARCH_STEP, int(column) * SEARCH_STEP


def _pooling_example(
    title: str, about: str, grid: np.ndarray, *, window: tuple[int, int], stride: tuple[int, int], decimals: int
) -> PoolingExample:
    rows, columns = ((n - w) // s + 1 for n, w, s in zip(grid.shape, window, stride, strict=True))
    windows = tuple(
        tuple(
            _pool_window(grid, i * stride[0], j * stride[1], window=window, decimals=decimals) for j in range(columns)
        )
        for i in range(rows)
    )
    numbers = tuple(tuple(_number(value, decimals) for value in line) for line in grid)
    return PoolingExample(
        title=title,
        about=about,
        window=window,
        stride=stride,
        grid=numbers,
        windows=windows,
    )


def _pool_window(grid: np.ndarray, row: int, column: int, *, window: Sequence[int], decimals: int) -> PoolWindow:
    values = grid[row : row + window[0], column : column + window[1]].astype(float).ravel()
    numbers = tuple(_number(value, decimals) for value in values)
    return PoolWindow(
        row=row,
        column=column,
        values=numbers,
        maximum=_number(values.max(), decimals),
        mean=_number(values.mean(), decimals),
    )


def _number(value: float, decimals: int) -> str:
    """At most so many decimals, and a minus sign instead of a hyphen."""
    return f"{round(float(value), decimals):g}".replace("-", "−")
