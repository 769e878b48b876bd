"""What every row of a summary reads: the rows before it, and the shapes that they hand on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zoo.counting.graph import Graph, Operation
from zoo.counting.layer_grouping import Group, group


@dataclass(frozen=True)
class Input:
    """One input of a row: the index of the row that made it, None for the image, and its shape."""

    row: int | None
    shape: tuple[int, ...]


def wiring(graph: Graph) -> tuple[tuple[Input, ...], ...]:
    """The inputs of each row that `summarize` makes of the graph, in its order and without folding."""
    groups = group(graph)
    owner = {op.output: index for index, found in enumerate(groups) for op in found.operations}
    made = {op.output: op for op in graph.operations}
    return tuple(_inputs(graph, found, owner, made) for found in groups)


def _inputs(graph: Graph, found: Group, owner: Mapping[int, int], made: Mapping[int, Operation]) -> tuple[Input, ...]:
    own = {op.output for op in found.operations}
    read = dict.fromkeys(value for op in found.operations for value in op.inputs if value not in own)
    inputs = []
    for value in read:
        shape = made[value].shape if value in made else graph.input_shape
        inputs += [Input(row, tuple(shape)) for row in _makers(value, owner, made)]
    return tuple(dict.fromkeys(inputs))


def _makers(value: int, owner: Mapping[int, int], made: Mapping[int, Operation]) -> Sequence[int | None]:
    """The rows that a value comes from: its own, or those behind an operation that is not shown."""
    if value in owner:
        return [owner[value]]
    if value not in made:
        return [None]
    return [row for before in made[value].inputs for row in _makers(before, owner, made)]
