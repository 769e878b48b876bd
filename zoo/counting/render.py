"""A `Summary` as text, Markdown, CSV and JSON."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from zoo.counting.records import ROW_COLUMNS, Row, Summary

CONVENTION = (
    "1 MAC = 1 multiply-add = 2 FLOPs; those of convolutions and matrix products, taps on padding counted, "
    "biases and element-wise operations not"
)
XLA_MEANING = (
    "XLA FLOPs: XLA's own estimate, each layer lowered alone: the floating-point work of all operations but "
    "not of transcendental functions, and without taps on padding"
)


@dataclass(frozen=True)
class Column:
    """A column of a table for people. The higher its `rank`, the sooner a narrow terminal does without it."""

    title: str
    cell: Callable[[Row], str]
    rank: int = 0
    left: bool = False


def text(summary: Summary, width: int | None, without_sharing: bool) -> str:
    """The table with aligned columns, as many as `width` holds, then totals and notes."""
    columns = _columns(summary, without_sharing)
    wanted = columns
    while width and _width(summary, columns) > width and max(column.rank for column in columns) > 0:
        last = max(columns, key=lambda column: column.rank)
        columns = [column for column in columns if column is not last]
    notes = _notes(summary, without_sharing)
    if len(columns) < len(wanted):
        left_out = ", ".join(column.title for column in wanted if column not in columns)
        notes.append(f"left out for want of room: {left_out}")
    lines = aligned([c.title for c in columns], _cells(summary, columns), [c.left for c in columns])
    if width:
        lines, notes = [_cut(line, width) for line in lines], [part for n in notes for part in wrap(n, width)]
    return "\n".join([*lines, "", *notes])


def markdown(summary: Summary, without_sharing: bool) -> str:
    """A pipe table, then totals and notes as a list."""
    columns = _columns(summary, without_sharing)
    lines = markdown_table([c.title for c in columns], _cells(summary, columns), [c.left for c in columns])
    return "\n".join([*lines, "", *(f"- {note}" for note in _notes(summary, without_sharing))])


def csv_text(summary: Summary) -> str:
    """A header and a line a row, all columns of `Row`; tuples joined by "x", padding as low:high."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(ROW_COLUMNS)
    for row in summary.rows:
        writer.writerow([_csv_cell(name, getattr(row, name)) for name in ROW_COLUMNS])
    return out.getvalue().rstrip("\n")


def json_text(summary: Summary) -> str:
    """The summary's fields and totals; an axis whose whole extent is seen is null in `receptive_field`."""
    totals = ("macs", "flops", "parameters_without_sharing", "activation_bytes", "xla_flops")
    content = asdict(summary) | {name: getattr(summary, name) for name in totals} | {"convention": CONVENTION}
    return json.dumps(content, indent=2, default=float)


def aligned(titles: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[bool]) -> list[str]:
    """Lines of a table with columns lined up, a rule under the titles."""
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        fitted = (c.ljust(w) if flush else c.rjust(w) for c, w, flush in zip(cells, widths, left, strict=True))
        return "  ".join(fitted).rstrip()

    return [line(titles), "-" * (sum(widths) + 2 * (len(widths) - 1)), *(line(row) for row in rows)]


def markdown_table(titles: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[bool]) -> list[str]:
    """Lines of a pipe table."""
    rules = ["---" if flush else "---:" for flush in left]
    return ["| " + " | ".join(cells) + " |" for cells in (titles, rules, *rows)]


def wrap(note: str, width: int) -> list[str]:
    """A note in lines of at most `width`, all but the first set in."""
    import textwrap

    return textwrap.wrap(note, width, subsequent_indent="  ")


def size(values: Sequence[Any] | None, empty: str = "") -> str:
    """(7, 7) as 7x7, one number where all are alike as in (2, 2), fractions as decimals, None as `empty`."""
    if not values:
        return ""
    parts = [empty if value is None else _number(value) for value in values]
    return parts[0] if len(set(parts)) == 1 else "x".join(parts)


def shape(values: Sequence[int]) -> str:
    """(1, 56, 56, 64) as 56x56x64: the batch is left out."""
    return "x".join(str(value) for value in values[1:])


def count(value: float | None) -> str:
    """With thousands separated; "?" for None and nothing for 0."""
    return "?" if value is None else f"{value:,.0f}" if value else ""


def _columns(summary: Summary, without_sharing: bool) -> list[Column]:
    def some(name: str) -> bool:
        return any(getattr(row, name) for row in summary.rows)

    grouped = any((row.groups or 1) > 1 for row in summary.rows)
    dilated = any(set(row.dilation or (1,)) != {1} for row in summary.rows)
    columns = [
        Column("layer", lambda row: row.path, left=True),
        Column("operation", lambda row: row.operation, rank=1, left=True),
        Column("kernel", lambda row: "x".join(map(str, row.kernel or ())), rank=4),
        Column("stride", lambda row: size(row.stride), rank=5),
        Column("padding", lambda row: _padding(row.padding), rank=8),
        Column("dilation", lambda row: size(row.dilation), rank=6) if dilated else None,
        Column("groups", lambda row: "" if row.groups is None else str(row.groups), rank=7) if grouped else None,
        Column("output", lambda row: shape(row.output_shape), rank=2),
        Column("parameters", lambda row: count(row.parameters)),
        Column("unshared", lambda row: count(row.parameters_without_sharing)) if without_sharing else None,
        Column("statistics", lambda row: count(row.batch_stats), rank=10) if some("batch_stats") else None,
        Column("MACs", lambda row: count(row.macs)),
        Column("XLA FLOPs", lambda row: count(row.xla_flops)) if summary.xla_flops is not None else None,
        Column("bytes", lambda row: count(row.activation_bytes), rank=11),
        Column("rec. field", lambda row: size(row.receptive_field, "all"), rank=3),
        Column("eff. stride", lambda row: size(row.effective_stride), rank=9),
        Column("offset", lambda row: size(row.offset), rank=12),
    ]
    return [column for column in columns if column is not None]


def _cells(summary: Summary, columns: Sequence[Column]) -> list[list[str]]:
    return [[column.cell(row) for column in columns] for row in summary.rows]


def _width(summary: Summary, columns: Sequence[Column]) -> int:
    return max(
        len(line) for line in aligned([c.title for c in columns], _cells(summary, columns), [False] * len(columns))
    )


def _notes(summary: Summary, without_sharing: bool) -> list[str]:
    notes = [
        f"{summary.model}, input {'x'.join(map(str, summary.input_shape))} (batch first)",
        f"parameters: {summary.parameters:,}"
        + (f" (and {summary.batch_stats:,} batch statistics, which are not learned)" if summary.batch_stats else ""),
    ]
    if without_sharing:
        notes.append(
            f"parameters without sharing: {summary.parameters_without_sharing:,} (each output place with its own copy)"
        )
    notes += [
        f"multiply-adds: {summary.macs:,} MACs = {summary.flops:,} FLOPs ({CONVENTION})",
        f"activations: {summary.activation_bytes:,} bytes, all layers' outputs together",
        "receptive field, effective stride and offset (middle of the first field) are in pixels of the image; "
        "all: the whole image",
    ]
    if summary.xla_flops is not None:
        notes.append(f"{XLA_MEANING}; {summary.xla_flops:,.0f} in all")
    reused = sum(row.reused_parameters for row in summary.rows)
    if reused:
        notes.append(f"{reused:,} parameters are used again by later layers and counted once")
    notes += [f"not used for this output: {path}, {number:,} parameters" for path, number in summary.unused]
    notes += [f"cost not known, not in the multiply-adds: {name}" for name in summary.uncosted]
    for joined in summary.misaligned:
        strides, centres = (
            " and ".join(size(branch) for branch in branches) for branches in (joined.strides, joined.centres)
        )
        notes.append(
            f"misaligned branches: {joined.operation} in {joined.path or summary.model} joins maps whose places lie "
            f"{strides} pixels apart and whose first fields have their middles at {centres}"
        )
    return notes


def _padding(pads: Sequence[tuple[int, int]] | None) -> str:
    if not pads:
        return ""
    sides = [str(low) if low == high else f"{low}:{high}" for low, high in pads]
    return sides[0] if len(set(sides)) == 1 else "x".join(sides)


def _number(value: float | Fraction) -> str:
    return f"{float(value):.4g}" if isinstance(value, Fraction) else str(value)


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else line[: width - 1] + "…"


def _csv_cell(name: str, value: Any) -> Any:
    if value is None:
        return ""
    if name == "padding":
        return "x".join(f"{low}:{high}" for low, high in value)
    if isinstance(value, tuple):
        gone = "all" if name == "receptive_field" else ""
        return "x".join(gone if part is None else _number(part) for part in value).strip("x")
    return value
