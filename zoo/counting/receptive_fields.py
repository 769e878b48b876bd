"""Receptive fields: how large a part of the image each place of a feature map sees, and where it lies.

The three recurrences are those of Araujo et al., "Computing Receptive Fields of Convolutional Neural Networks"
(Distill, 2019), carried along each axis of the image on its own, over a graph with branches.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from zoo.counting.graph import Operation, Read

Number = Fraction | int


@dataclass(frozen=True)
class Field:
    """Place i of a map sees the image from start + i * stride, `size` pixels long, along one axis of the image.

    `axis` is the map's axis that i runs along, of `count` places; None once all places see the same. `folded` is set
    where that axis mixes several, as after flattening. `whole` where all places see all of the image besides, as they
    do after a gate computed from a global mean.
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
        """Where the first place's part of the image has its middle; pixel 0 lies at 0."""
        return self.start + Fraction(self.size - 1, 2)


Fields = tuple[Field, ...]


def image_fields(shape: Sequence[int]) -> Fields:
    """Those of the image itself: each pixel sees one. Its axes are all but the first and the last."""
    return tuple(Field(1, 1, 0, axis, shape[axis]) for axis in range(1, len(shape) - 1))


def propagate(operations: Iterable[Operation], known: Mapping[int, Fields]) -> dict[int, Fields]:
    """The fields of every value that the operations make, given those of the values they start from."""
    fields = dict(known)
    for operation in operations:
        seen = operand_fields(operation, fields)
        if seen:
            fields[operation.output] = tuple(join(column) for column in zip(*seen, strict=True))
    return fields


def operand_fields(operation: Operation, fields: Mapping[int, Fields]) -> list[Fields]:
    """What an operation's output sees through each of its operands."""
    return [
        tuple(_through(field, reads, operation.shape) for field in fields[value])
        for value, reads in zip(operation.inputs, operation.reads, strict=True)
        if value in fields
    ]


def join(fields: Sequence[Field]) -> Field:
    """The smallest field that contains all: what a sum or a concatenation of branches sees."""
    moving = [field for field in fields if field.axis is not None]
    if not moving:
        return _hull(fields)
    in_step = len({(field.axis, field.stride, field.folded) for field in moving}) == 1
    if not in_step:
        return _hull([_all_places(field) for field in fields])
    return replace(_hull(moving), whole=len(moving) < len(fields) or any(field.whole for field in fields))


def aligned(fields: Sequence[Field]) -> bool:
    """Whether branches that meet keep in step: equal strides and centres, but for those that see one and all."""
    moving = [field for field in fields if field.axis is not None]
    return len({(field.stride, field.centre) for field in moving}) <= 1


def _hull(fields: Sequence[Field]) -> Field:
    start = min(field.start for field in fields)
    end = max(field.start + field.size for field in fields)
    return replace(fields[0], size=end - start, start=start, whole=any(field.whole for field in fields))


def _all_places(field: Field) -> Field:
    """The field of something that sees all places of a map."""
    if field.axis is None:
        return field
    return replace(field, size=field.size + (field.count - 1) * field.stride, axis=None, folded=False)


def _through(field: Field, reads: Sequence[Read], shape: Sequence[int]) -> Field:
    """The field one operation further."""
    if field.axis is None:
        return field
    read = reads[field.axis]
    if field.folded and (read.axis is None or (read.first, read.stride, read.span) != (0, 1, 1)):
        return _all_places(field)
    return Field(
        size=field.size + (read.span - 1) * field.stride,
        stride=field.stride * read.stride,
        start=field.start + read.first * field.stride,
        axis=read.axis,
        count=1 if read.axis is None else shape[read.axis],
        folded=field.folded or read.folded,
        whole=field.whole,
    )
