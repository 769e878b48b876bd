"""A published table beside the exact counts."""

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from types import MappingProxyType

from zoo.counting.paper_tables import PaperRow, PaperTable
from zoo.counting.records import CountError, Row, Summary
from zoo.counting.render import aligned, markdown_table, wrap

Exact = Callable[[Sequence[Row]], int | str]


def _output(rows: Sequence[Row]) -> str:
    shape = rows[-1].output_shape[1:]
    return "x".join(str(n) for n in (shape if len(shape) == 3 else (1, 1, *shape)))


def _total(name: str) -> Exact:
    return lambda rows: sum(getattr(row, name) or 0 for row in rows)


# What a paper may print about a group of layers: title, and how it is counted.
QUANTITIES: Mapping[str, tuple[str, Exact]] = MappingProxyType(
    {
        "output": ("output", _output),
        "map": ("output", lambda rows: _output(rows).rsplit("x", 1)[0]),
        "units": ("units", lambda rows: math.prod(rows[-1].output_shape[1:])),
        "parameters": ("parameters", _total("parameters")),
        "weights": ("weights", _total("weights")),
        "unshared": ("connections", _total("parameters_without_sharing")),
        "macs": ("MACs", _total("macs")),
    }
)


@dataclass(frozen=True)
class Comparison:
    """One quantity of one row: what the paper prints, what is counted, and by how much the paper is off.

    `deviation` is 0 within one unit of the last printed digit, None where there is nothing to compare with.
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


@dataclass(frozen=True)
class PaperComparison:
    """A published table beside a network's counts, row by row."""

    model: str
    table: PaperTable
    rows: tuple[ComparedRow, ...]

    def to_text(self, *, width: int | None = None) -> str:
        """Aligned columns, then the notes, numbered as in the table."""
        titles, cells, notes = self._cells()
        lines = aligned(titles, cells, [i == 0 for i in range(len(titles))])
        if width:
            lines = [line if len(line) <= width else line[: width - 1] + "…" for line in lines]
            notes = [part for note in notes for part in wrap(note, width)]
        return "\n".join([*lines, "", *notes])

    def to_markdown(self) -> str:
        """A pipe table, then the notes as a list."""
        titles, cells, notes = self._cells()
        lines = markdown_table(titles, cells, [i == 0 for i in range(len(titles))])
        return "\n".join([*lines, "", *(f"- {note}" for note in notes)])

    def to_csv(self) -> str:
        """A line a compared figure."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["row", "quantity", "published", "exact", "deviation", "note"])
        for row in self.rows:
            for c in row.comparisons:
                writer.writerow([row.label, c.quantity, c.published, c.exact, c.deviation, row.note])
        return out.getvalue().rstrip("\n")

    def to_json(self) -> str:
        """Everything there is, as JSON."""
        table = {"source": self.table.source, "url": self.table.url, "note": self.table.note}
        return json.dumps({"model": self.model, **table, "rows": [asdict(row) for row in self.rows]}, indent=2)

    def _cells(self) -> tuple[list[str], list[list[str]], list[str]]:
        printed = {c.quantity for row in self.rows for c in row.comparisons}
        quantities = [name for name in QUANTITIES if name in printed]
        titles = ["row"]
        for name in quantities:
            titles += [f"{QUANTITIES[name][0]} printed", "exact", "off"]
        noted = list(dict.fromkeys(row.note for row in self.rows if row.note))
        cells = []
        for row in self.rows:
            mark = f" [{noted.index(row.note) + 1}]" if row.note else ""
            found = {c.quantity: c for c in row.comparisons}
            cells.append([row.label + mark, *(cell for name in quantities for cell in _cell(found.get(name)))])
        notes = [f"printed: {self.table.source}, {self.table.url}; exact: {self.model}, counted"]
        notes += [self.table.note] if self.table.note else []
        notes.append("off: printed against exact; = within one unit of the last printed digit")
        return titles, cells, [*notes, *(f"[{i}] {note}" for i, note in enumerate(noted, start=1))]


def compare(summary: Summary, table: PaperTable) -> PaperComparison:
    """A published table beside the counts of a network, which must be those for the paper's image size."""
    size = summary.input_shape[1]
    if size != table.input_size:
        raise CountError(f"{table.source} is for {table.input_size} pixels, not {size}: count at that input size")
    rows = tuple(_compared(summary, row, table) for row in table.rows)
    return PaperComparison(summary.model, table, rows)


def _compared(summary: Summary, row: PaperRow, table: PaperTable) -> ComparedRow:
    rows = _select(summary, row.layers)
    comparisons = []
    for quantity, published in row.published.items():
        exact = QUANTITIES[quantity][1](rows) if rows else None
        comparisons.append(Comparison(quantity, published, exact, _deviation(published, exact, table.kilo)))
    off = any(c.deviation for c in comparisons)
    return ComparedRow(row.label, tuple(comparisons), row.note if off else "")


def _select(summary: Summary, layers: str) -> list[Row]:
    """The rows of the modules that match a pattern, or the n-th row of an operation that lies in none: "max_pool 2"."""
    operation, _, number = layers.partition(" ")
    if number:
        return [row for row in summary.rows if not row.path and row.operation == operation][int(number) - 1 :][:1]
    return [row for row in summary.rows if fnmatchcase(row.path.split("/")[0], layers)]


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
    exact, off = comparison.exact, comparison.deviation
    shown = f"{exact:,}" if isinstance(exact, int) else exact or "no such layer"
    sign = "differs" if off is None else "=" if off == 0 else f"{off:+.1%}"
    return [comparison.published, shown, sign]
