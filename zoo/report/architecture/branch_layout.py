"""How the layers of a block lie beside and behind each other: a column for each step, a lane for each branch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zoo.counting.layer_grouping import POOLS
from zoo.report.architecture.blocks import Block
from zoo.report.layers.layers import Layer

# The block's input, as a source.
ENTRY = -1
# More nodes than this are no picture.
MOST = 40


@dataclass(frozen=True)
class Node:
    """A layer that is drawn, and the nodes that it reads from, by their place in the plan or ENTRY."""

    layer: Layer
    column: int
    lane: float
    sources: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """The nodes of a block in their order. Lanes are numbered from the top; the last column is before `columns`."""

    nodes: tuple[Node, ...]
    lanes: int
    columns: int

    @property
    def ends(self) -> tuple[int, ...]:
        """The nodes that nothing in the block reads: they make its output."""
        read = {source for node in self.nodes for source in node.sources}
        return tuple(index for index in range(len(self.nodes)) if index not in read)


def plan(block: Block) -> Plan | None:
    """Where the layers of a block go; None where there is nothing to see, or too much."""
    drawn = [layer for layer in block.layers if _is_drawn(layer)]
    if not 1 < len(drawn) <= MOST:
        return None
    sources = _sources(block.layers, drawn)
    columns: list[int] = []
    for before in sources:
        columns.append(1 + max((columns[source] for source in before if source != ENTRY), default=-1))
    lanes = _lanes(sources)
    nodes = tuple(map(Node, drawn, columns, lanes, sources))
    return Plan(nodes, int(max(lanes)) + 1, max(columns) + 1)


def _is_drawn(layer: Layer) -> bool:
    return bool(layer.window or layer.row.macs or layer.row.operation in POOLS or layer.joins)


def _sources(layers: Sequence[Layer], drawn: Sequence[Layer]) -> list[tuple[int, ...]]:
    inside = {layer.index: layer for layer in layers}
    place = {layer.index: number for number, layer in enumerate(drawn)}
    return [
        tuple(dict.fromkeys(_resolved(one.row, inside, place) for one in layer.inputs)) or (ENTRY,) for layer in drawn
    ]


def _resolved(row: int | None, inside: Mapping[int, Layer], place: Mapping[int, int]) -> int:
    """The node that a row's values come from, through layers that are not drawn."""
    while row in inside and row not in place:
        row = inside[row].inputs[0].row if inside[row].inputs else None
    return place.get(row, ENTRY)


def _lanes(sources: Sequence[tuple[int, ...]]) -> list[float]:
    """A node goes on in the lane of what it reads, if it is the first to do so; a join lies amid what it joins."""
    lanes: list[float] = []
    continued: set[int] = set()
    free = 0
    for before in sources:
        if len(before) > 1:
            known = [lanes[source] for source in before if source != ENTRY]
            lanes.append(sum(known) / len(known))
        elif before[0] != ENTRY and before[0] not in continued:
            continued.add(before[0])
            lanes.append(lanes[before[0]])
        else:
            lanes.append(free)
        free = max(free, int(lanes[-1]) + 1)
    return lanes
