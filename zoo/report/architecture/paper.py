"""The figures that a paper prints about a network, beside the counts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from zoo.counting.paper_comparison import QUANTITIES, ComparedRow, Comparison, PaperComparison, compare_with_paper
from zoo.counting.paper_tables import PAPER_TABLES, PaperRow
from zoo.report.architecture.blocks import Block
from zoo.report.layers.counted_network import CountedNetwork

# A smaller deviation may come from rounding.
MAX_SLIGHT_DEVIATION = 0.02


@dataclass(frozen=True)
class PaperFigure:
    """One figure of a paper beside the count; `grade` is "equal", "slight", "noted", "off" or "differs".

    A deviation that a note of the row is about is "noted", whatever its size.
    """

    quantity: str
    published: str
    counted: str
    deviation: str
    grade: str


@dataclass(frozen=True)
class PaperFigureRow:
    """A row of a paper's table; `block` is the index of the block that it is about, None for the network's totals."""

    label: str
    block: int | None
    figures: tuple[PaperFigure, ...]
    note: str

    def figure(self, quantity: str) -> PaperFigure | None:
        """The row's figure of a quantity; None if there is none."""
        return next((figure for figure in self.figures if figure.quantity == quantity), None)


@dataclass(frozen=True)
class PaperFigures:
    """A paper's table with the counts; `source` is the paper and the table, at `url`."""

    source: str
    url: str
    note: str
    rows: tuple[PaperFigureRow, ...]

    @property
    def quantities(self) -> tuple[str, ...]:
        """All quantities that the table has figures of."""
        return tuple(dict.fromkeys(figure.quantity for row in self.rows for figure in row.figures))

    @property
    def grades(self) -> frozenset[str]:
        """The grades that occur."""
        return frozenset(figure.grade for row in self.rows for figure in row.figures)

    @property
    def notes(self) -> tuple[str, ...]:
        """The known reasons for deviations, each once."""
        return tuple(dict.fromkeys(row.note for row in self.rows if row.note))

    def of_block(self, block: Block) -> tuple[PaperFigure, ...]:
        """The figures about a block."""
        return next((row.figures for row in self.rows if row.block == block.index), ())


def paper_figures(model: str, network: CountedNetwork, blocks: Sequence[Block]) -> PaperFigures | None:
    """The published table of a network by its name in the registry; None without one, or for another image size."""
    table = PAPER_TABLES.get(model)
    if table is None or network.image_shape[0] != table.input_size:
        return None
    compared: PaperComparison = compare_with_paper(network.summary, table)
    rows = (
        PaperFigureRow(row.label, _block_index(paper_row, blocks), _figures(row), row.note)
        for paper_row, row in zip(table.rows, compared.rows, strict=True)
    )
    return PaperFigures(table.source, table.url, table.note, tuple(rows))


def _figures(row: ComparedRow) -> tuple[PaperFigure, ...]:
    figures = map(_figure, row.comparisons)
    if not row.note:
        return tuple(figures)
    return tuple(one if one.grade == "equal" else replace(one, grade="noted") for one in figures)


def _figure(compared: Comparison) -> PaperFigure:
    exact = f"{compared.exact:,}" if isinstance(compared.exact, int) else compared.exact or "none"
    deviation, grade = _graded(compared.deviation)
    return PaperFigure(
        quantity=QUANTITIES[compared.quantity].title,
        published=compared.published,
        counted=exact.replace("x", "×"),
        deviation=deviation,
        grade=grade,
    )


def _graded(deviation: float | None) -> tuple[str, str]:
    """A deviation in words, and its grade; None for quantities that cannot be subtracted and differ."""
    if deviation is None:
        return "differs", "differs"
    if deviation == 0:
        return "equal", "equal"
    return f"{deviation:+.1%}".replace("-", "−"), "slight" if abs(deviation) < MAX_SLIGHT_DEVIATION else "off"


def _block_index(row: PaperRow, blocks: Sequence[Block]) -> int | None:
    """The block that a row is about; a row about the output of several blocks is shown at the last."""
    operation, _, number = row.layers.partition(" ")
    if number:
        found = [block for block in blocks if block.layers[0].row.operation == operation and not block.layers[0].top]
        return found[int(number) - 1].index if len(found) >= int(number) else None
    matching = [block for block in blocks if fnmatchcase(block.name.split("/")[0], row.layers)]
    about_output = row.layers != "*" and set(row.published) <= {"output", "map"}
    return matching[-1].index if len(matching) == 1 or (matching and about_output) else None
