"""The diagram of an architecture, block by block: what is drawn and where, in pixels.

A block's output is a box. Its height, depth and thickness are proportional to the square roots of the maps' height,
width and number. The layers of the block are drawn to the left of the box, one branch above the other.
"""

import math
from dataclasses import dataclass, replace
from itertools import groupby

from zoo.counting.layer_grouping import POOL_FUNCTIONS
from zoo.report.architecture.blocks import Block, Stage
from zoo.report.architecture.branch_layout import BLOCK_INPUT, BranchLayout, Node, lay_out_branches
from zoo.report.layers.counted_network import Layer
from zoo.report.number_formats import format_shape

# Width of a column, height of a lane, the lines before the first column, and the bend of a line to another lane.
COLUMN, LANE, LEAD, BEND = 34, 27, 14, 24
# At least this many equal blocks in a row are drawn once.
MIN_REPEATS = 3
JOIN_SIGNS = {"add": "+", "mul": "×", "concatenate": "⧺"}


@dataclass(frozen=True)
class Box:
    """The output: a front of `thickness` by `height` with the top left corner (x, y), and the depth behind it."""

    x: float
    y: float
    thickness: float
    height: float
    depth: float


@dataclass(frozen=True)
class LayerMark:
    """A layer inside a block: a rectangle with the centre (x, y), or a sign such as + where branches join."""

    x: float
    y: float
    thickness: float
    height: float
    kind: str
    label: str
    sign: str
    title: str


@dataclass(frozen=True)
class BlockDrawing:
    """The drawing of a block, or of `count` equal ones; `lines` are SVG paths.

    `margin` is empty space above and below, so that the drawings of a stage have one height.
    """

    blocks: tuple[Block, ...]
    kind: str
    width: float
    height: float
    box: Box
    marks: tuple[LayerMark, ...]
    lines: tuple[str, ...]
    margin: float = 0

    @property
    def count(self) -> int:
        """How many blocks are drawn as one."""
        return len(self.blocks)

    @property
    def first(self) -> Block:
        """The block, or the first of equal ones."""
        return self.blocks[0]

    @property
    def name(self) -> str:
        """The block's name, or those of the first and the last of equal ones."""
        return self.first.name if self.count == 1 else f"{self.first.name} to {self.blocks[-1].name}"


def draw_stage(stage: Stage) -> tuple[BlockDrawing, ...]:
    """The drawings of a stage's blocks."""
    drawings: list[BlockDrawing] = []
    for _, group in groupby(stage.blocks, _signature):
        equal = tuple(group)
        drawings += [_draw(equal)] if len(equal) >= MIN_REPEATS else [_draw((block,)) for block in equal]
    tallest = max(drawing.height for drawing in drawings)
    return tuple(replace(drawing, margin=(tallest - drawing.height) / 2) for drawing in drawings)


def layer_kind(layer: Layer) -> str:
    """The kind that gives a layer its colour: "conv", "pool", "dense" or "other"."""
    if layer.row.operation in POOL_FUNCTIONS or layer.row.operation.endswith("_pool"):
        return "pool"
    if layer.window or layer.row.operation.endswith("conv"):
        return "conv"
    return "dense" if layer.row.macs else "other"


def _signature(block: Block) -> tuple:
    """Equal for blocks with equal convolutions, pools and joins; only the depth of a concatenation may differ."""
    rows = [layer.row for layer in block.layers if layer.window or layer.joins or layer.row.macs]
    shapes = (row.output_shape[:-1] if row.operation == "concatenate" else row.output_shape for row in rows)
    return tuple(
        (row.operation, row.kernel, row.stride, row.groups, shape) for row, shape in zip(rows, shapes, strict=True)
    )


def _draw(equal: tuple[Block, ...]) -> BlockDrawing:
    block = equal[0]
    map_height, map_width, map_depth = equal[-1].maps
    thickness, height, depth = 4 + 1.1 * math.sqrt(map_depth), 8 * math.sqrt(map_height), 2.2 * math.sqrt(map_width)
    layout = lay_out_branches(block)
    marks, lines, left, inner_height = _inside(layout) if layout else ((), (), LEAD, 0)
    # Two copies of the box are drawn behind it, 3 pixels apart.
    copies = 6 if len(equal) > 1 else 0
    total = max(height + depth * 0.6 + copies, inner_height) + 4
    middle = total / 2
    top = middle - height / 2 + (depth * 0.3 + copies / 2 if inner_height < height else 0)
    return BlockDrawing(
        blocks=equal,
        kind=_block_kind(block),
        width=left + thickness + depth + copies + 2,
        height=total,
        box=Box(x=left, y=top, thickness=thickness, height=height, depth=depth),
        marks=tuple(replace(mark, y=mark.y + middle) for mark in marks),
        lines=tuple(_svg_path(line, middle) for line in lines) or (f"M0 {middle:.1f}H{LEAD}",),
    )


def _block_kind(block: Block) -> str:
    kinds = [layer_kind(layer) for layer in block.layers]
    return next((kind for kind in ("conv", "dense", "pool") if kind in kinds), "other")


# A line as start x and y, end x and y, and the y of the arch over what lies between; None for a line without arch.
Line = tuple[float, float, float, float, float | None]


def _inside(layout: BranchLayout) -> tuple[tuple[LayerMark, ...], tuple[Line, ...], float, float]:
    """Marks and lines around y = 0, the x where the output begins, and the height that they take."""
    ends, nodes = layout.ends, layout.nodes
    # A concatenation at the end is not drawn: its branches end at the box.
    concatenation = ends[0] if len(ends) == 1 and nodes[ends[0]].layer.row.operation == "concatenate" else None
    columns = layout.columns - (concatenation is not None)
    end = LEAD + columns * COLUMN + 12
    offset = (layout.lanes - 1) / 2

    def position(index: int) -> tuple[float, float]:
        if index == BLOCK_INPUT:
            return 0.0, 0.0
        if index == concatenation:
            return end, 0.0
        return LEAD + (nodes[index].column + 0.5) * COLUMN, (nodes[index].lane - offset) * LANE

    arches = 0
    lines: list[Line] = []
    for index, node in enumerate(nodes):
        for source in node.inputs:
            blocked = len(node.inputs) > 1 and _is_blocked(layout, source, node)
            arches += blocked
            arch = -(offset * LANE + 13 + 9 * arches) if blocked else None
            lines.append((*position(source), *position(index), arch))
    lines += [(*position(index), end, 0.0, None) for index in ends if index != concatenation]
    marks = tuple(_mark(node, *position(index)) for index, node in enumerate(nodes) if index != concatenation)
    return marks, tuple(lines), end, layout.lanes * LANE + 18 * bool(arches) + 18 * arches + 10


def _is_blocked(layout: BranchLayout, source: int, join: Node) -> bool:
    """Whether other nodes lie on the straight line from an input to a join."""
    if source == BLOCK_INPUT:
        return True
    start = layout.nodes[source]
    return any(node.lane == start.lane and start.column < node.column < join.column for node in layout.nodes)


def _mark(node: Node, x: float, y: float) -> LayerMark:
    layer, row = node.layer, node.layer.row
    sign = JOIN_SIGNS.get(row.operation, "∘") if layer.joins else ""
    return LayerMark(
        x=x,
        y=y,
        thickness=min(16.0, 3 + 0.5 * math.sqrt(layer.maps[2])),
        height=13,
        kind=layer_kind(layer),
        label="" if sign else _label(layer),
        sign=sign,
        title=f"{row.path or row.operation}: {row.operation} to {format_shape(layer.maps)}",
    )


def _label(layer: Layer) -> str:
    row = layer.row
    if row.kernel:
        return format_shape(row.kernel)
    return "mean" if row.operation in POOL_FUNCTIONS else "fc" if row.operation == "dense" else ""


def _svg_path(line: Line, middle: float) -> str:
    """The line as an SVG path, its y = 0 at `middle`."""
    x1, y1, x2, y2, arch = line
    y1, y2 = y1 + middle, y2 + middle
    if arch is None:
        # It changes the lane at the end, so that it crosses no other line.
        bend = max(x1, x2 - BEND)
        half = (x2 - bend) / 2
        straight = f"H{bend:.1f}" if bend > x1 else ""
        return f"M{x1:.1f} {y1:.1f}{straight}C{bend + half:.1f} {y1:.1f} {x2 - half:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    top, side = arch + middle, min(14.0, (x2 - x1) / 3)
    return (
        f"M{x1:.1f} {y1:.1f}C{x1 + side:.1f} {y1:.1f} {x1:.1f} {top:.1f} {x1 + side:.1f} {top:.1f}"
        f"H{x2 - side:.1f}C{x2:.1f} {top:.1f} {x2:.1f} {top:.1f} {x2:.1f} {y2:.1f}"
    )
