"""Where the layers of a block are drawn: a column for each step, a lane for each branch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zoo.counting.layer_grouping import POOL_FUNCTIONS
from zoo.report.architecture.blocks import Block
from zoo.report.layers.counted_network import Layer

# The block's input, among the inputs of a node.
BLOCK_INPUT = -1
# Blocks of more layers are drawn without them.
MAX_NODES = 40


@dataclass(frozen=True)
class Node:
    """A layer that is drawn; `inputs` are indices of nodes of the layout, or BLOCK_INPUT."""

    layer: Layer
    column: int
    lane: float
    inputs: tuple[int, ...]


@dataclass(frozen=True)
class BranchLayout:
    """The nodes of a block in their order, and how many lanes and columns they take; lane 0 is the topmost."""

    nodes: tuple[Node, ...]
    lanes: int
    columns: int

    @property
    def ends(self) -> tuple[int, ...]:
        """The nodes that no other node reads; they make the block's output."""
        read = {index for node in self.nodes for index in node.inputs}
        return tuple(index for index in range(len(self.nodes)) if index not in read)


def lay_out_branches(block: Block) -> BranchLayout | None:
    """The layout of a block; None for a block of a single layer, or of too many."""
    drawn = [layer for layer in block.layers if _is_drawn(layer)]
    if not 1 < len(drawn) <= MAX_NODES:
        return None
    inputs = _node_inputs(block.layers, drawn)
    columns: list[int] = []
    for before in inputs:
        columns.append(1 + max((columns[index] for index in before if index != BLOCK_INPUT), default=-1))
    lanes = _lanes(inputs)
    nodes = tuple(map(Node, drawn, columns, lanes, inputs))
    return BranchLayout(nodes, lanes=int(max(lanes)) + 1, columns=max(columns) + 1)


def _is_drawn(layer: Layer) -> bool:
    return bool(layer.window or layer.row.macs or layer.row.operation in POOL_FUNCTIONS or layer.joins)


def _node_inputs(layers: Sequence[Layer], drawn: Sequence[Layer]) -> list[tuple[int, ...]]:
    layer_at = {layer.index: layer for layer in layers}
    node_of = {layer.index: node for node, layer in enumerate(drawn)}
    return [
        tuple(dict.fromkeys(_origin(one.row, layer_at, node_of) for one in layer.inputs)) or (BLOCK_INPUT,)
        for layer in drawn
    ]


def _origin(row: int | None, layer_at: Mapping[int, Layer], node_of: Mapping[int, int]) -> int:
    """The node that a row's values come from, through layers that are not drawn."""
    while row is not None and row in layer_at and row not in node_of:
        row = layer_at[row].inputs[0].row if layer_at[row].inputs else None
    return BLOCK_INPUT if row is None else node_of.get(row, BLOCK_INPUT)


def _lanes(inputs: Sequence[tuple[int, ...]]) -> list[float]:
    """A node takes the lane of its input if it is the first to read it; a join lies in the middle of its inputs."""
    lanes: list[float] = []
    continued: set[int] = set()
    free = 0
    for before in inputs:
        if len(before) > 1:
            known = [lanes[index] for index in before if index != BLOCK_INPUT]
            lanes.append(sum(known) / len(known))
        elif before[0] != BLOCK_INPUT and before[0] not in continued:
            continued.add(before[0])
            lanes.append(lanes[before[0]])
        else:
            lanes.append(free)
        free = max(free, int(lanes[-1]) + 1)
    return lanes
