"""Receptive fields: which part of the image each position of a feature map depends on.

The recurrences for size, stride and start are those of Araujo et al., "Computing Receptive Fields of Convolutional
Neural Networks" (Distill, 2019), along each axis of the image separately, over a graph with branches. Where positions
differ in more than a shift (after a resize, a flip, a reshape), the first and last pixel of each are kept as arrays.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce

import numpy as np

from zoo.counting.graph import NOTHING, AxisMap, IndexMap, Operation
from zoo.counting.position_arrays import Array, compact, moved, progression, with_progression

Bound = int | Array
PRODUCTS = ("conv_general_dilated", "dot_general", "mul")


@dataclass(frozen=True, eq=False)
class AxisField:
    """Which pixels, along one axis of the image, each position of a feature map depends on: from `low` to `high`.

    Pixels outside of the image (below 0, or from `extent` on) are padding; there is no pixel where low > high.
    `axis` is an axis of the feature map with `count` positions: `low` and `high` hold for its first position and grow
    by `stride` from each to the next. `axis` is None where there is no such axis. Where positions along other axes
    differ too, `low` and `high` are arrays that broadcast against the feature map, else ints.
    `whole`: all positions depend on the whole image besides, as after a gate that is computed from a global mean.
    `exact`: else the position may depend on less, as after an operation that is not known.
    `masked`: some values were replaced by constants, as in attention with a mask; products with them may be zero.
    """

    low: Bound
    high: Bound
    extent: int
    axis: int | None
    stride: int = 1
    count: int = 1
    whole: bool = False
    exact: bool = True
    masked: bool = False

    @property
    def centre(self) -> Fraction:
        """The centre of the first position's receptive field; pixel 0 is at 0."""
        return Fraction(int(np.min(self.low)) + int(np.max(self.high)), 2)

    @property
    def is_complete(self) -> bool:
        """Whether every position depends on the whole image."""
        if self.axis is None and isinstance(self.low, int) and isinstance(self.high, int):
            return self.whole or (self.low <= 0 and self.high >= self.extent - 1)
        return self.whole

    @property
    def is_nothing(self) -> bool:
        """Whether no position depends on the image."""
        return isinstance(self.low, int) and self.low >= NOTHING // 2

    def is_parallel(self, other: "AxisField") -> bool:
        """Whether both move in the same way along the same axis."""
        return (self.axis, self.stride, self.count) == (other.axis, other.stride, other.count)


ReceptiveField = tuple[AxisField, ...]  # one for each spatial axis of the image


def image_field(shape: Sequence[int]) -> ReceptiveField:
    """The field of an image itself: one pixel for each. Its spatial axes are all but the first and the last."""
    return tuple(AxisField(0, 0, shape[axis], axis, count=shape[axis]) for axis in range(1, len(shape) - 1))


def propagate(operations: Iterable[Operation], known: Mapping[int, ReceptiveField]) -> dict[int, ReceptiveField]:
    """The receptive fields of all values that the operations compute, from the `known` ones of their inputs."""
    fields = dict(known)
    for operation in operations:
        branches = operand_fields(operation, fields)
        if branches:
            rank = len(operation.shape)
            joined = tuple(union(column, rank) for column in zip(*branches, strict=True))
            if len(branches) > 1 and operation.name in PRODUCTS:
                joined = tuple(map(_after_product, joined, zip(*branches, strict=True)))
            fields[operation.output] = joined
    return fields


def operand_fields(operation: Operation, fields: Mapping[int, ReceptiveField]) -> list[ReceptiveField]:
    """The receptive field of an operation's output through each of its operands."""
    return [
        tuple(_compose(field, index_map, operation.shape) for field in fields[value])
        for value, index_map in zip(operation.inputs, operation.index_maps, strict=True)
        if value in fields
    ]


def union(fields: Sequence[AxisField], rank: int) -> AxisField:
    """The smallest field that contains all: that of a sum or a concatenation of branches, with `rank` axes."""
    fields = [field for field in fields if not field.is_nothing] or fields[:1]
    if len(fields) == 1:
        return fields[0]
    complete = [field for field in fields if field.is_complete]
    others = [field for field in fields if field.axis is not None or not field.is_complete]
    hull = _hull(others or complete, rank)
    exact = any(field.exact for field in complete) or all(field.exact for field in fields)
    whole = (bool(complete) and bool(others)) or any(field.whole for field in fields)
    return replace(hull, whole=whole, exact=exact, masked=any(field.masked for field in fields))


def _after_product(field: AxisField, factors: Sequence[AxisField]) -> AxisField:
    """The field of a product: masked factors make it inexact, unless all parts of it see the same along this axis."""
    same = all(isinstance(f.low, int) and f.is_parallel(field) and _are_equal(f, field) for f in factors)
    return replace(field, exact=field.exact and (same or not field.masked))


def _are_equal(field: AxisField, other: AxisField) -> bool:
    return np.array_equal(field.low, other.low) and np.array_equal(field.high, other.high)


def are_aligned(fields: Sequence[AxisField]) -> bool:
    """Whether joined branches have equal strides and centres, apart from those with one field for all positions."""
    moving = [field for field in fields if field.axis is not None]
    return len({(field.stride, field.centre) for field in moving}) <= 1


def _hull(fields: Sequence[AxisField], rank: int) -> AxisField:
    if not (all(field.is_parallel(fields[0]) for field in fields) and _meet(fields)):
        fields = [positions_apart(field, rank) for field in fields]
    first = fields[0]
    if all(isinstance(field.low, int) for field in fields):
        return replace(first, low=min(field.low for field in fields), high=max(field.high for field in fields))
    low = reduce(np.minimum, [field.low for field in fields])
    high = reduce(np.maximum, [field.high for field in fields])
    return simplified(replace(first, low=low, high=high))


def _meet(fields: Sequence[AxisField]) -> bool:
    """Whether at some position of parallel fields all of them see a part of the image and not only padding."""
    if fields[0].axis is None:
        return True
    stride, last = fields[0].stride, fields[0].count - 1
    begin = [np.where(f.low <= f.high, -(f.high // stride), 0) for f in fields]
    end = [np.where(f.low <= f.high, (f.extent - 1 - f.low) // stride, last) for f in fields]
    return bool(np.any(np.maximum(reduce(np.maximum, begin), 0) <= np.minimum(reduce(np.minimum, end), last)))


def _compose(field: AxisField, index_map: IndexMap, shape: Sequence[int]) -> AxisField:
    """The field after one more operation, whose output has `shape`."""
    exact = field.exact and index_map.exact
    if field.axis is None and isinstance(field.low, int) and not index_map.has_gaps:
        return field if exact is field.exact else replace(field, exact=exact)
    if 0 in shape[1:]:
        return AxisField(NOTHING, -NOTHING, field.extent, None)
    rank = len(index_map.axes)
    if field.whole and index_map.has_gaps and not _joins_features(index_map):
        field = replace(field, low=0, high=field.extent - 1, axis=None, stride=1, count=1, whole=False)
    part = None if field.axis is None else index_map.axes[field.axis]
    if field.axis is not None and not isinstance(part, AxisMap):
        field = positions_apart(field, rank)
    low, high = field.low, field.high
    uniform = isinstance(low, int)
    if not uniform or index_map.has_gaps:
        low, high = (np.asarray(bound).reshape(np.shape(bound) or [1] * rank) for bound in (low, high))
        low = moved(low, index_map, shape, besides=field.axis)
        high = -moved(-high, index_map, shape, besides=field.axis)
        exact = exact and (index_map.exact_apart or uniform)
    axis, stride = None, 1
    if field.axis is not None and isinstance(part, AxisMap):
        low = low + part.first * field.stride
        high = high + (part.first + part.span - 1) * field.stride
        axis, stride = part.axis, 1 if part.axis is None else field.stride * part.stride
    count = 1 if axis is None else shape[axis]
    masked = field.masked or index_map.masks
    return simplified(AxisField(low, high, field.extent, axis, stride, count, field.whole, exact, masked))


def _joins_features(index_map: IndexMap) -> bool:
    """Whether it is a concatenation along the last axis, after which a position has the features of all operands."""
    return index_map.axes[-1] is None and all(part is not None for part in index_map.axes[:-1])


def positions_apart(field: AxisField, rank: int) -> AxisField:
    """The same field as arrays over all positions, with `rank` axes; positions that see padding only see nothing."""
    low, high = (np.asarray(bound).reshape(np.shape(bound) or [1] * rank) for bound in (field.low, field.high))
    if field.axis is not None:
        low, high = (with_progression(bound, field.axis, field.stride, field.count) for bound in (low, high))
    padding = (high < 0) | (low >= field.extent)
    low, high = np.where(padding, NOTHING, low), np.where(padding, -NOTHING, high)
    return replace(field, low=low, high=high, axis=None, stride=1, count=1)


def simplified(field: AxisField) -> AxisField:
    """The same field, with a stride instead of arrays where that says the same."""
    if isinstance(field.low, int) and isinstance(field.high, int):
        return field
    low, high = compact(np.asarray(field.low)), compact(np.asarray(field.high))
    if low.size == 0 or high.size == 0:
        return AxisField(NOTHING, -NOTHING, field.extent, None)
    found = progression(low, high) if field.axis is None else None
    if found is not None:
        axis, stride = found
        count = low.shape[axis]
        low, high = compact(low.take([0], axis)), compact(high.take([0], axis))
        field = replace(field, axis=axis, stride=stride, count=count)
    if low.size == high.size == 1:
        low, high = low.item(), high.item()
    return replace(field, low=low, high=high)
