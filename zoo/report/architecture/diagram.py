"""The architecture as pictures, block by block: what to draw and where, in pixels.

A block's output is a box: as high and as deep as the square root of its maps' height and width, as thick as that of
their number. Before it the block's branches, where it has any.
"""

import math
from dataclasses import dataclass, replace
from itertools import groupby

from zoo.counting.layer_grouping import POOLS
from zoo.report.architecture.blocks import Block, Stage
from zoo.report.architecture.branches import ENTRY, Node, Plan, plan
from zoo.report.html.numbers import shape
from zoo.report.layers.layers import Layer

COLUMN, LANE, LEAD, BEND = 34, 27, 14, 24
# A run of at least so many blocks that are alike is drawn once.
RUN = 3


@dataclass(frozen=True)
class Box:
    """The output: front face from (x, y), `thick` by `high`, and how far it goes back."""

    x: float
    y: float
    thick: float
    high: float
    back: float


@dataclass(frozen=True)
class Mark:
    """A layer inside a block: a slab round (x, y), or a sign such as + where branches meet."""

    x: float
    y: float
    thick: float
    high: float
    kind: str
    label: str
    sign: str
    title: str


@dataclass(frozen=True)
class Glyph:
    """The picture of a block, or of `count` alike; `wires` are SVG paths.

    `above` is room over and under it, so that the pictures of a stage lie level.
    """

    blocks: tuple[Block, ...]
    kind: str
    width: float
    height: float
    box: Box
    marks: tuple[Mark, ...]
    wires: tuple[str, ...]
    above: float = 0

    @property
    def count(self) -> int:
        """How many blocks it stands for."""
        return len(self.blocks)

    @property
    def first(self) -> Block:
        """The block itself, or the first of them."""
        return self.blocks[0]

    @property
    def name(self) -> str:
        """Its name, of a run the first and the last."""
        return self.first.name if self.count == 1 else f"{self.first.name} to {self.blocks[-1].name}"


def strip(stage: Stage) -> tuple[Glyph, ...]:
    """The pictures of a stage."""
    glyphs: list[Glyph] = []
    for _, run in groupby(stage.blocks, _signature):
        alike = tuple(run)
        glyphs += [_glyph(alike)] if len(alike) >= RUN else [_glyph((block,)) for block in alike]
    tallest = max(glyph.height for glyph in glyphs)
    return tuple(replace(glyph, above=(tallest - glyph.height) / 2) for glyph in glyphs)


def kind_of(layer: Layer) -> str:
    """What a layer is drawn as."""
    if layer.row.operation in POOLS or layer.row.operation.endswith("_pool"):
        return "pool"
    if layer.window or layer.row.operation.endswith("conv"):
        return "conv"
    return "dense" if layer.row.macs else "other"


def _signature(block: Block) -> tuple:
    """What makes blocks alike: their convolutions, pools and joins; in depth what is concatenated may grow."""
    rows = [layer.row for layer in block.layers if layer.window or layer.joins or layer.row.macs]
    shapes = (row.output_shape[:-1] if row.operation == "concatenate" else row.output_shape for row in rows)
    return tuple(
        (row.operation, row.kernel, row.stride, row.groups, shape) for row, shape in zip(rows, shapes, strict=True)
    )


def _glyph(alike: tuple[Block, ...]) -> Glyph:
    block = alike[0]
    height, width, depth = alike[-1].maps
    thick, high, back = 4 + 1.1 * math.sqrt(depth), 8 * math.sqrt(height), 2.2 * math.sqrt(width)
    inner = plan(block)
    marks, wires, left, tall = _inside(inner) if inner else ((), (), LEAD, 0)
    copies = 6 if len(alike) > 1 else 0
    total = max(high + back * 0.6 + copies, tall) + 4
    middle = total / 2
    y = middle - high / 2 + (back * 0.3 + copies / 2 if tall < high else 0)
    wires = tuple(_moved(points, middle) for points in wires) or (f"M0 {middle:.1f}H{LEAD}",)
    return Glyph(
        blocks=alike,
        kind=_kind(block),
        width=left + thick + back + copies + 2,
        height=total,
        box=Box(left, y, thick, high, back),
        marks=tuple(_shifted(mark, middle) for mark in marks),
        wires=wires,
    )


def _kind(block: Block) -> str:
    kinds = [kind_of(layer) for layer in block.layers]
    return next((kind for kind in ("conv", "dense", "pool") if kind in kinds), "other")


# A wire as points: start, end, and how high it arches over what lies between, None for a plain one.
Wire = tuple[float, float, float, float, float | None]


def _inside(inner: Plan) -> tuple[tuple[Mark, ...], tuple[Wire, ...], float, float]:
    """Marks and wires round y = 0, the x where the output begins, and the height that they need."""
    concat = len(inner.ends) == 1 and inner.nodes[inner.ends[0]].layer.row.operation == "concatenate"
    columns = inner.columns - concat
    end = LEAD + columns * COLUMN + 12
    offset = (inner.lanes - 1) / 2

    def place(index: int) -> tuple[float, float]:
        if index == ENTRY:
            return 0.0, 0.0
        node = inner.nodes[index]
        if concat and index == inner.ends[0]:
            return end, 0.0
        return LEAD + (node.column + 0.5) * COLUMN, (node.lane - offset) * LANE

    arches = 0
    wires: list[Wire] = []
    for index, node in enumerate(inner.nodes):
        for source in node.sources:
            blocked = len(node.sources) > 1 and _blocked(inner, source, node)
            arches += blocked
            top = -(offset * LANE + 13 + 9 * arches) if blocked else None
            wires.append((*place(source), *place(index), top))
    wires += [(*place(index), end, 0.0, None) for index in inner.ends if not concat]
    marks = tuple(
        _mark(node, *place(index)) for index, node in enumerate(inner.nodes) if not concat or index != inner.ends[0]
    )
    return marks, tuple(wires), end, inner.lanes * LANE + 18 * bool(arches) + 18 * arches + 10


def _blocked(inner: Plan, source: int, target: Node) -> bool:
    """Whether other nodes lie on the straight way from the source to a join."""
    if source == ENTRY:
        return True
    start = inner.nodes[source]
    return any(node.lane == start.lane and start.column < node.column < target.column for node in inner.nodes)


def _mark(node: Node, x: float, y: float) -> Mark:
    layer, (_, _, depth) = node.layer, node.layer.maps
    row = layer.row
    sign = {"add": "+", "mul": "×", "concatenate": "⧺"}.get(row.operation, "∘") if layer.joins else ""
    thick = min(16.0, 3 + 0.5 * math.sqrt(depth))
    title = f"{row.path or row.operation}: {row.operation} to {shape(layer.maps)}"
    return Mark(x, y, thick, 13, kind_of(layer), "" if sign else _label(layer), sign, title)


def _label(layer: Layer) -> str:
    row = layer.row
    if row.kernel:
        return shape(row.kernel)
    return "mean" if row.operation in POOLS else "fc" if row.operation == "dense" else ""


def _moved(wire: Wire, middle: float) -> str:
    """The wire as an SVG path, its zero at `middle`."""
    x1, y1, x2, y2, top = wire
    y1, y2 = y1 + middle, y2 + middle
    if top is None:
        # Along its own lane, so as to cross no other, and over at the end.
        turn = max(x1, x2 - BEND)
        half = (x2 - turn) / 2
        along = f"H{turn:.1f}" if turn > x1 else ""
        return f"M{x1:.1f} {y1:.1f}{along}C{turn + half:.1f} {y1:.1f} {x2 - half:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    up, bend = top + middle, min(14.0, (x2 - x1) / 3)
    return (
        f"M{x1:.1f} {y1:.1f}C{x1 + bend:.1f} {y1:.1f} {x1:.1f} {up:.1f} {x1 + bend:.1f} {up:.1f}"
        f"H{x2 - bend:.1f}C{x2:.1f} {up:.1f} {x2:.1f} {up:.1f} {x2:.1f} {y2:.1f}"
    )


def _shifted(mark: Mark, middle: float) -> Mark:
    return replace(mark, y=mark.y + middle)
