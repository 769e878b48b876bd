"""Receptive fields in numbers, as the table of a network shows them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from zoo.counting.position_arrays import Array
from zoo.counting.receptive_fields import AxisField, ReceptiveField, positions_apart, simplified
from zoo.counting.records import Number

# Positions after a resize repeat their pattern after at most so many.
MAX_PERIOD = 16


@dataclass(frozen=True)
class AxisSummary:
    """A field in numbers: the largest size of all positions, the step between positions, and the first centre.

    `size` is None where it is the whole image, or unknown (then `exact` is False). `stride` and `offset` are None
    where the output has no positions along the axis, or where they do not follow each other in steps. Where their
    fields differ, these are averages, and `offset` is None unless fields of one size in such steps contain them all.
    """

    size: Number | None
    stride: Number | None
    offset: Number | None
    exact: bool


def summarize_axis(field: AxisField, rank: int) -> AxisSummary:
    """The numbers of a field of an output with `rank` axes. All features of a position count as one position."""
    field = _where_seen(_over_features(field, rank))
    if isinstance(field.low, int) and isinstance(field.high, int) and field.axis is not None:
        shared = field.high - field.low + 1
        return AxisSummary(None if field.whole else shared, field.stride, simple_number(field.centre), field.exact)
    apart = positions_apart(field, rank)
    size = None if field.whole else _largest(apart)
    stride, offset = _average_grid(apart)
    if size is not None and stride is not None and offset is not None and not _contain(apart, size, stride, offset):
        offset = None
    return AxisSummary(size, stride, offset, field.exact)


def _contain(apart: AxisField, size: Number, stride: Number, offset: Number) -> bool:
    """Whether fields of one size in regular steps contain what the positions see, of which one axis differs."""
    low, high = np.broadcast_arrays(np.maximum(apart.low, 0), np.minimum(apart.high, apart.extent - 1))
    if low.shape[-1] > 1:
        return True  # A flat vector, whose steps are not those of its positions.
    starts = [offset - Fraction(size - 1, 2) + position * stride for position in range(low.size)]
    bounds = zip(starts, low.flat, high.flat, strict=True)
    return all(math.floor(start) <= first and last < math.ceil(start + size) for start, first, last in bounds)


def _largest(apart: AxisField) -> int | None:
    """The largest size; None if it is that of the image. It includes padding unless only borders have the largest."""
    low, high = np.broadcast_arrays(apart.low, apart.high)
    sizes = high - low + 1
    if low.size > 1 and sizes.min() > 0 and sizes.max() in (sizes.min(), _size_in_the_middle(low, high)):
        return int(sizes.max())
    low, high = np.maximum(low, 0), np.minimum(high, apart.extent - 1)
    size = max(0, int(np.max(high - low)) + 1)
    return None if size >= apart.extent else size


def position_count(fields: ReceptiveField, shape: Sequence[int]) -> int:
    """How many positions with different receptive fields an output has, apart from its features."""
    axes = {field.axis for field in fields if field.axis is not None}
    for field in fields:
        for bound in (field.low, field.high):
            axes |= {axis for axis, size in enumerate(np.shape(bound)) if size > 1}
    positions = axes - {len(shape) - 1} or axes
    return math.prod(shape[axis] for axis in positions)


def _over_features(field: AxisField, rank: int) -> AxisField:
    """The field of all features together, which are the last axis."""
    last = rank - 1
    differing = {axis for bound in (field.low, field.high) for axis, n in enumerate(np.shape(bound)) if n > 1}
    if last not in differing or (field.axis is None and len(differing) == 1):
        return field
    low = np.min(field.low, axis=last, keepdims=True)
    high = np.max(field.high, axis=last, keepdims=True)
    return simplified(replace(field, low=low, high=high))


def _where_seen(field: AxisField) -> AxisField:
    """The same field without arrays if all positions that see anything are equal, as those beside padding."""
    low, high = np.broadcast_arrays(field.low, field.high)
    lows, highs = np.unique(low[low <= high]), np.unique(high[low <= high])
    return replace(field, low=int(lows[0]), high=int(highs[0])) if len(lows) == len(highs) == 1 else field


def _average_grid(apart: AxisField) -> tuple[Number | None, Number | None]:
    """(stride, centre of the first position), None where positions do not follow each other in steps along one axis.

    The centres may repeat a pattern, as after a resize; it is that of the middle half, as borders may differ. In a
    flat vector, stride and first centre are those of its centres in order.
    """
    low, high = np.asarray(apart.low), np.asarray(apart.high)
    axis = _moving_axis(low, high)
    if axis is None:
        return None, None
    twice = (low + high).squeeze()
    if axis == low.ndim - 1:
        return _steps(np.unique(twice), 1)
    quarter = len(twice) // 4
    middle = twice[quarter : len(twice) - quarter]
    for period in _periods(middle):
        stride, first = _steps(middle, period)
        if stride is not None and first is not None:
            return stride, simple_number(first - quarter * stride)
    return None, None


def _size_in_the_middle(low: Array, high: Array) -> int | None:
    """The largest size in the middle third, along one axis; None where both ends do not move in equal steps there.

    Where a border limits fields, their ends do not move.
    """
    if _moving_axis(low, high) in (None, low.ndim - 1):
        return None
    low, high = low.squeeze(), high.squeeze()
    third = slice(len(low) // 3, len(low) - len(low) // 3)
    low, high = low[third], high[third]
    steps = ((_steps(2 * low, period)[0], _steps(2 * high, period)[0]) for period in _periods(low))
    is_regular = any(of_low is not None and of_low == of_high for of_low, of_high in steps)
    return int(np.max(high - low)) + 1 if is_regular else None


def _moving_axis(low: Array, high: Array) -> int | None:
    """The only axis along which positions see different pixels; None where there are several, or some see nothing."""
    axes = [axis for axis, size in enumerate(np.broadcast_shapes(low.shape, high.shape)) if size > 1]
    return axes[0] if len(axes) == 1 and np.all(low <= high) else None


def _periods(values: Array) -> range:
    """The lengths that a repeated pattern of the values can have."""
    return range(1, min(MAX_PERIOD, len(values) // 2) + 1)


def _steps(twice: Array, period: int) -> tuple[Number | None, Number | None]:
    """(step, first) of centres, given doubled, that repeat a pattern after each `period`; else (None, None)."""
    steps = twice[period:] - twice[:-period]
    if len(steps) == 0 or np.any(steps != steps[0]) or steps[0] == 0:
        return None, None
    stride = Fraction(int(steps[0]), 2 * period)
    mean = Fraction(int(twice[:period].sum()), 2 * period)
    return simple_number(stride), simple_number(mean - Fraction(period - 1, 2) * stride)


def simple_number(number: Number) -> Number:
    """A whole fraction as an int."""
    return int(number) if Fraction(number).denominator == 1 else number
