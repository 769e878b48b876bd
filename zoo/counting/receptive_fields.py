"""Receptive fields: which part of the image each position of a feature map depends on.

The recurrences for size, stride and start are those of Araujo et al., "Computing Receptive Fields of Convolutional
Neural Networks" (Distill, 2019), along each axis of the image separately, over a graph with branches.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from zoo.counting.graph import AxisMap, Operation
from zoo.counting.records import Number


@dataclass(frozen=True)
class AxisField:
    """Receptive fields along one axis of the image: position i depends on `size` pixels from start + i * stride on.

    `axis` is the axis of the feature map along which i runs, with `count` positions; None where all positions depend
    on the same pixels. `folded`: that axis mixes several axes, as after flattening. `whole`: all positions depend on
    the whole image besides, as after a gate that is computed from a global mean.
    """

    size: Number
    stride: Number
    start: Number
    axis: int | None
    count: int
    folded: bool = False
    whole: bool = False

    @property
    def centre(self) -> Number:
        """The centre of the first position's receptive field; pixel 0 is at 0."""
        return self.start + Fraction(self.size - 1, 2)


ReceptiveField = tuple[AxisField, ...]  # one for each spatial axis of the image


def image_field(shape: Sequence[int]) -> ReceptiveField:
    """The field of an image itself: one pixel for each. Its spatial axes are all but the first and the last."""
    return tuple(AxisField(1, 1, 0, axis, shape[axis]) for axis in range(1, len(shape) - 1))


def propagate(operations: Iterable[Operation], known: Mapping[int, ReceptiveField]) -> dict[int, ReceptiveField]:
    """The receptive fields of all values that the operations compute, from the `known` ones of their inputs."""
    fields = dict(known)
    for operation in operations:
        branches = operand_fields(operation, fields)
        if branches:
            fields[operation.output] = tuple(union(column) for column in zip(*branches, strict=True))
    return fields


def operand_fields(operation: Operation, fields: Mapping[int, ReceptiveField]) -> list[ReceptiveField]:
    """The receptive field of an operation's output through each of its operands."""
    return [
        tuple(_compose(field, index_map, operation.shape) for field in fields[value])
        for value, index_map in zip(operation.inputs, operation.index_maps, strict=True)
        if value in fields
    ]


def union(fields: Sequence[AxisField]) -> AxisField:
    """The smallest field that contains all: that of a sum or a concatenation of branches."""
    moving = [field for field in fields if field.axis is not None]
    if not moving:
        return _hull(fields)
    same_grid = len({(field.axis, field.stride, field.folded) for field in moving}) == 1
    if not same_grid:
        return _hull([_of_all_positions(field) for field in fields])
    return replace(_hull(moving), whole=len(moving) < len(fields) or any(field.whole for field in fields))


def are_aligned(fields: Sequence[AxisField]) -> bool:
    """Whether joined branches have equal strides and centres, apart from those with one field for all positions."""
    moving = [field for field in fields if field.axis is not None]
    return len({(field.stride, field.centre) for field in moving}) <= 1


def _hull(fields: Sequence[AxisField]) -> AxisField:
    start = min(field.start for field in fields)
    end = max(field.start + field.size for field in fields)
    return replace(fields[0], size=end - start, start=start, whole=any(field.whole for field in fields))


def _of_all_positions(field: AxisField) -> AxisField:
    """The field of a value that depends on all positions of a feature map."""
    if field.axis is None:
        return field
    return replace(field, size=field.size + (field.count - 1) * field.stride, axis=None, folded=False)


def _compose(field: AxisField, index_map: Sequence[AxisMap], shape: Sequence[int]) -> AxisField:
    """The field after one more operation, whose output has `shape`."""
    if field.axis is None:
        return field
    read = index_map[field.axis]
    if field.folded and (read.axis is None or (read.first, read.stride, read.span) != (0, 1, 1)):
        return _of_all_positions(field)
    return AxisField(
        size=field.size + (read.span - 1) * field.stride,
        stride=field.stride * read.stride,
        start=field.start + read.first * field.stride,
        axis=read.axis,
        count=1 if read.axis is None else shape[read.axis],
        folded=field.folded or read.folded,
        whole=field.whole,
    )
