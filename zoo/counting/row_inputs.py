"""Which rows each row of a summary reads, and the shapes of what it reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zoo.counting.graph import Graph, Operation
from zoo.counting.layer_grouping import LayerGroup, group_layers


@dataclass(frozen=True)
class RowInput:
    """One input of a row: the index of the row that computes it, None for the image, and its shape."""

    row: int | None
    shape: tuple[int, ...]


def row_inputs(graph: Graph) -> tuple[tuple[RowInput, ...], ...]:
    """The inputs of each row that `summarize` makes of the graph, in the same order and without folding."""
    groups = group_layers(graph)
    row_of = {op.output: index for index, group in enumerate(groups) for op in group.operations}
    operation_of = {op.output: op for op in graph.operations}
    return tuple(_group_inputs(graph, group, row_of, operation_of) for group in groups)


def _group_inputs(
    graph: Graph, group: LayerGroup, row_of: Mapping[int, int], operation_of: Mapping[int, Operation]
) -> tuple[RowInput, ...]:
    inside = {op.output for op in group.operations}
    values = dict.fromkeys(value for op in group.operations for value in op.inputs if value not in inside)
    inputs = []
    for value in values:
        shape = operation_of[value].shape if value in operation_of else graph.input_shape
        inputs += [RowInput(row, tuple(shape)) for row in _source_rows(value, row_of, operation_of)]
    return tuple(dict.fromkeys(inputs))


def _source_rows(value: int, row_of: Mapping[int, int], operation_of: Mapping[int, Operation]) -> Sequence[int | None]:
    """The row that computes a value; for an operation without a row, the rows of its inputs; None for the image."""
    if value in row_of:
        return [row_of[value]]
    if value not in operation_of:
        return [None]
    return [row for before in operation_of[value].inputs for row in _source_rows(before, row_of, operation_of)]
