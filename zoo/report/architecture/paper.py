"""What the paper prints of each block, beside what is counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from zoo.counting.paper_comparison import QUANTITIES, Comparison, PaperComparison, compare
from zoo.counting.paper_tables import TABLES, PaperRow
from zoo.report.architecture.blocks import Block
from zoo.report.layers.layers import Counted

# A deviation of more than this is no rounding.
SLIGHT = 0.02


@dataclass(frozen=True)
class Printed:
    """One figure of a paper beside the count; `grade` is "equal", "slight", "off" or "differs"."""

    quantity: str
    published: str
    exact: str
    deviation: str
    grade: str


@dataclass(frozen=True)
class PrintedRow:
    """A row of a paper's table; `block` is the index of the block that shows it, None for the network's totals."""

    label: str
    block: int | None
    figures: tuple[Printed, ...]
    note: str

    def figure(self, quantity: str) -> Printed | None:
        """What it prints of a quantity, if it does."""
        return next((figure for figure in self.figures if figure.quantity == quantity), None)


@dataclass(frozen=True)
class Paper:
    """A paper's table beside the counts."""

    source: str
    url: str
    note: str
    rows: tuple[PrintedRow, ...]

    @property
    def quantities(self) -> tuple[str, ...]:
        """All that it prints figures of."""
        return tuple(dict.fromkeys(figure.quantity for row in self.rows for figure in row.figures))

    @property
    def notes(self) -> tuple[str, ...]:
        """What is known of its deviations, each once."""
        return tuple(dict.fromkeys(row.note for row in self.rows if row.note))

    def of(self, block: Block) -> tuple[Printed, ...]:
        """The figures printed about a block."""
        return next((row.figures for row in self.rows if row.block == block.index), ())


def paper(model: str, network: Counted, blocks: Sequence[Block]) -> Paper | None:
    """The published table of a network by its name in the registry; None without one, or for another image size."""
    table = TABLES.get(model)
    if table is None or network.image_shape[0] != table.input_size:
        return None
    compared: PaperComparison = compare(network.summary, table)
    rows = (
        PrintedRow(row.label, _block(given, blocks), tuple(map(_printed, row.comparisons)), row.note)
        for given, row in zip(table.rows, compared.rows, strict=True)
    )
    return Paper(table.source, table.url, table.note, tuple(rows))


def _printed(figure: Comparison) -> Printed:
    exact = f"{figure.exact:,}" if isinstance(figure.exact, int) else figure.exact or "none"
    return Printed(
        QUANTITIES[figure.quantity][0], figure.published, exact.replace("x", "×"), *_deviation(figure.deviation)
    )


def _deviation(value: float | None) -> tuple[str, str]:
    if value is None:
        return "differs", "differs"
    if value == 0:
        return "equal", "equal"
    return f"{value:+.1%}".replace("-", "−"), "slight" if abs(value) < SLIGHT else "off"


def _block(given: PaperRow, blocks: Sequence[Block]) -> int | None:
    """The block that a row is about; of several, the last one, whose output theirs is."""
    operation, _, number = given.layers.partition(" ")
    if number:
        found = [block for block in blocks if block.layers[0].row.operation == operation and not block.layers[0].top]
        return found[int(number) - 1].index if len(found) >= int(number) else None
    matching = [block for block in blocks if fnmatchcase(block.name.split("/")[0], given.layers)]
    of_output = given.layers != "*" and set(given.published) <= {"output", "map"}
    return matching[-1].index if len(matching) == 1 or (matching and of_output) else None
