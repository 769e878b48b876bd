"""The figures that a paper prints, compared with the exact counts."""

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from types import MappingProxyType

from zoo.counting.paper_tables import PaperRow, PaperTable
from zoo.counting.records import CountError, NetworkCounts, Row
from zoo.runtime.html_tables import html_table
from zoo.runtime.text_tables import aligned_table, csv_cell, markdown_table, shorten, wrap


@dataclass(frozen=True)
class Quantity:
    """What a paper may print about a group of layers: its title in a table, and how it is counted."""

    title: str
    count: Callable[[Sequence[Row]], int | str]


def _output(rows: Sequence[Row]) -> str:
    shape = rows[-1].output_shape[1:]
    return "x".join(str(n) for n in (shape if len(shape) == 3 else (1, 1, *shape)))


def _total(name: str) -> Callable[[Sequence[Row]], int]:
    return lambda rows: sum(getattr(row, name) or 0 for row in rows)


# By the names in `PaperRow.published`.
QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "output": Quantity("output", _output),
        "map": Quantity("output", lambda rows: _output(rows).rsplit("x", 1)[0]),
        "units": Quantity("units", lambda rows: math.prod(rows[-1].output_shape[1:])),
        "parameters": Quantity("parameters", _total("parameters")),
        "weights": Quantity("weights", _total("weights")),
        "unshared": Quantity("connections", _total("parameters_without_sharing")),
        "macs": Quantity("MACs", _total("macs")),
    }
)


@dataclass(frozen=True)
class Comparison:
    """One figure of one row: as the paper prints it, as it is counted, and the relative deviation of the paper.

    `exact` is None where no layer matches. `deviation` is 0 within one unit of the last printed digit, and None where
    the two cannot be compared.
    """

    quantity: str
    published: str
    exact: int | str | None
    deviation: float | None


@dataclass(frozen=True)
class ComparedRow:
    """A row of a published table with its comparisons."""

    label: str
    comparisons: tuple[Comparison, ...]
    note: str


@dataclass(frozen=True, repr=False)
class PaperComparison:
    """A published table compared with a network's counts, row by row; `print` writes text."""

    model: str
    table: PaperTable
    rows: tuple[ComparedRow, ...]

    def __repr__(self) -> str:
        return f"PaperComparison({self.model} with {self.table.source}: {len(self.rows)} rows)"

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        """For notebooks."""
        titles, cells, notes = self._cells()
        return html_table(titles, cells, [i == 0 for i in range(len(titles))], notes="\n".join(notes))

    def to_text(self, *, width: int | None = None) -> str:
        """Aligned columns, then the notes, numbered as in the table; cut and wrapped to `width` characters."""
        titles, cells, notes = self._cells()
        lines = aligned_table(titles, cells, [i == 0 for i in range(len(titles))])
        if width:
            lines = [shorten(line, width) for line in lines]
            notes = [part for note in notes for part in wrap(note, width)]
        return "\n".join([*lines, "", *notes])

    def to_markdown(self) -> str:
        """A Markdown table, then the notes as a list."""
        titles, cells, notes = self._cells()
        lines = markdown_table(titles, cells, [i == 0 for i in range(len(titles))])
        return "\n".join([*lines, "", *(f"- {note}" for note in notes)])

    def to_csv(self) -> str:
        """Comma-separated values: a header, then one line per compared figure."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["row", "quantity", "published", "exact", "deviation", "note"])
        for row in self.rows:
            for c in row.comparisons:
                cells = [row.label, c.quantity, c.published, c.exact, c.deviation, row.note]
                writer.writerow([csv_cell(cell) for cell in cells])
        return out.getvalue().rstrip("\n")

    def to_json(self) -> str:
        """All figures and notes as JSON."""
        table = {"source": self.table.source, "url": self.table.url, "note": self.table.note}
        return json.dumps({"model": self.model, **table, "rows": [asdict(row) for row in self.rows]}, indent=2)

    def _cells(self) -> tuple[list[str], list[list[str]], list[str]]:
        printed = {c.quantity for row in self.rows for c in row.comparisons}
        quantities = [name for name in QUANTITIES if name in printed]
        titles = ["row"]
        for name in quantities:
            titles += [f"{QUANTITIES[name].title} printed", "exact", "off"]
        numbered_notes = list(dict.fromkeys(row.note for row in self.rows if row.note))
        cells = []
        for row in self.rows:
            mark = f" [{numbered_notes.index(row.note) + 1}]" if row.note else ""
            found = {c.quantity: c for c in row.comparisons}
            cells.append([row.label + mark, *(cell for name in quantities for cell in _cell(found.get(name)))])
        notes = [f"printed: {self.table.source}, {self.table.url}; exact: {self.model}, counted"]
        notes += [self.table.note] if self.table.note else []
        notes.append("off: relative deviation of the printed figure; = means within one unit of the last printed digit")
        return titles, cells, [*notes, *(f"[{i}] {note}" for i, note in enumerate(numbered_notes, start=1))]


def compare_with_paper(counts: NetworkCounts, table: PaperTable) -> PaperComparison:
    """Compare a published table with the counts of a network.

    Raises CountError unless the counts are for the image size of the paper.
    """
    size = counts.input_shape[1]
    if size != table.input_size:
        raise CountError(
            f"{table.source} is for an image size of {table.input_size}, not {size}: count at {table.input_size}"
        )
    rows = tuple(_compare_row(counts, row, table) for row in table.rows)
    return PaperComparison(counts.model, table, rows)


def _compare_row(counts: NetworkCounts, row: PaperRow, table: PaperTable) -> ComparedRow:
    rows = _select(counts, row.layers)
    comparisons = []
    for quantity, published in row.published.items():
        exact = QUANTITIES[quantity].count(rows) if rows else None
        comparisons.append(Comparison(quantity, published, exact, _deviation(published, exact, table.kilo)))
    deviates = any(c.deviation != 0 for c in comparisons)
    return ComparedRow(row.label, tuple(comparisons), row.note if deviates else "")


def _select(counts: NetworkCounts, layers: str) -> list[Row]:
    """The rows of the modules that match a pattern; for "max_pool 2", the second max pool outside of all modules."""
    operation, _, number = layers.partition(" ")
    if number:
        return [row for row in counts.rows if not row.path and row.operation == operation][int(number) - 1 :][:1]
    return [row for row in counts.rows if fnmatchcase(row.path.split("/")[0], layers)]


def _deviation(published: str, exact: int | str | None, kilo: int) -> float | None:
    if exact is None:
        return None
    if isinstance(exact, str):
        return 0.0 if published == exact else None
    units = {"K": kilo, "M": 10**6, "G": 10**9}
    digits = published.rstrip("KMG").replace(",", "")
    unit = units.get(published[-1], 1)
    value, last_digit = float(digits) * unit, unit / 10 ** len(digits.partition(".")[2])
    if abs(value - exact) < last_digit:
        return 0.0
    return value / exact - 1 if exact else None


def _cell(comparison: Comparison | None) -> list[str]:
    if comparison is None:
        return ["", "", ""]
    exact, deviation = comparison.exact, comparison.deviation
    exact_text = f"{exact:,}" if isinstance(exact, int) else exact or "none"
    sign = "differs" if deviation is None else "=" if deviation == 0 else f"{deviation:+.1%}"
    return [comparison.published, exact_text, sign]
