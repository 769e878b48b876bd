"""The counts of a network as text, Markdown, CSV and JSON."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from zoo.counting.records import ROW_COLUMNS, Misalignment, NetworkCounts, Number, Row
from zoo.runtime.html_tables import html_table
from zoo.runtime.text_tables import aligned_table, csv_cell, markdown_table, shorten, wrap

CONVENTION = (
    "1 MAC = 1 multiply-add = 2 FLOPs; convolutions and matrix products count, with taps on padding; "
    "biases and element-wise operations do not"
)
TRANSPOSED_CONVENTION = (
    "a transposed convolution applies its kernel once for each position of its input; what its padding cuts off counts"
)
XLA_CONVENTION = (
    "XLA FLOPs: XLA's own estimate, each layer lowered alone; all floating-point operations count except "
    "transcendental functions, without taps on padding"
)


@dataclass(frozen=True)
class Column:
    """A column of a printed table. On a narrow terminal, the columns of the highest `rank` are left out first."""

    title: str
    cell: Callable[[Row], str]
    rank: int = 0
    left: bool = False


def text(counts: NetworkCounts, width: int | None, without_sharing: bool) -> str:
    """A table with aligned columns, as many as fit in `width`, then totals and notes."""
    all_columns = columns = _columns(counts, without_sharing)
    while width and _width(counts, columns) > width and max(column.rank for column in columns) > 0:
        least_important = max(columns, key=lambda column: column.rank)
        columns = [column for column in columns if column is not least_important]
    notes = _notes(counts, without_sharing)
    if len(columns) < len(all_columns):
        left_out = ", ".join(column.title for column in all_columns if column not in columns)
        notes.append(f"columns left out, as the terminal is too narrow: {left_out}")
    lines = aligned_table([c.title for c in columns], _cells(counts, columns), [c.left for c in columns])
    if width:
        lines, notes = [shorten(line, width) for line in lines], [part for n in notes for part in wrap(n, width)]
    return "\n".join([*lines, "", *notes])


def markdown(counts: NetworkCounts, without_sharing: bool) -> str:
    """A Markdown table, then totals and notes as a list."""
    columns = _columns(counts, without_sharing)
    lines = markdown_table([c.title for c in columns], _cells(counts, columns), [c.left for c in columns])
    return "\n".join([*lines, "", *(f"- {note}" for note in _notes(counts, without_sharing))])


def html(counts: NetworkCounts) -> str:
    """A table that scrolls, with totals and notes below it."""
    columns, notes = _columns(counts, without_sharing=False), _notes(counts, without_sharing=False)
    titles, left = [c.title for c in columns], [c.left for c in columns]
    return html_table(titles, _cells(counts, columns), left, notes="\n".join(notes))


def csv_text(counts: NetworkCounts) -> str:
    """A header and one line per row, with all fields of `Row`; tuples are joined by "x", padding is low:high."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(ROW_COLUMNS)
    for row in counts.rows:
        cells = {name: _csv_cell(name, getattr(row, name)) for name in ROW_COLUMNS}
        field = "x".join(_field_parts(row.receptive_field, row.receptive_field_exact))
        writer.writerow((cells | {"receptive_field": field}).values())
    return out.getvalue().rstrip("\n")


def json_text(counts: NetworkCounts) -> str:
    """All fields and totals; `receptive_field` has null for an axis where it is the whole image, or is unknown.

    `receptive_field_exact` tells these apart, and says whether a number is an upper bound.
    """
    totals = ("flops", "parameters_without_sharing", "activation_bytes", "xla_flops")
    content = asdict(counts) | {name: getattr(counts, name) for name in totals} | {"convention": CONVENTION}
    return json.dumps(content, indent=2, default=float)


def size(values: Sequence[Any] | None, empty: str = "") -> str:
    """(7, 5) as "7x5" and (7, 7) as "7"; fractions as decimals, None as `empty`."""
    if not values:
        return ""
    parts = [empty if value is None else _number(value) for value in values]
    return parts[0] if len(set(parts)) == 1 else "x".join(parts)


def receptive_field(sizes: Sequence[Number | None], exact: Sequence[bool]) -> str:
    """The size of a receptive field as `size` writes it: "all" for the whole image, "<=43" for a bound, "?" else."""
    parts = _field_parts(sizes, exact)
    return parts[0] if len(set(parts)) == 1 else "x".join(parts)


def _field_parts(sizes: Sequence[Number | None], exact: Sequence[bool]) -> list[str]:
    parts = []
    for number, is_exact in zip(sizes, exact, strict=False):
        if number is None:
            parts.append("all" if is_exact else "?")
        else:
            parts.append(_number(number) if is_exact else f"<={_number(number)}")
    return parts


def shape(values: Sequence[int]) -> str:
    """(1, 56, 56, 64) as "56x56x64", without the batch."""
    return "x".join(str(value) for value in values[1:])


def count(value: float | None) -> str:
    """With a comma between thousands; "?" for None and nothing for 0."""
    return "?" if value is None else f"{value:,.0f}" if value else ""


def _columns(counts: NetworkCounts, without_sharing: bool) -> list[Column]:
    def any_row_has(name: str) -> bool:
        return any(getattr(row, name) for row in counts.rows)

    grouped = any((row.groups or 1) > 1 for row in counts.rows)
    dilated = any(set(row.dilation or (1,)) != {1} for row in counts.rows)
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
        Column("statistics", lambda row: count(row.batch_stats), rank=10) if any_row_has("batch_stats") else None,
        Column("MACs", lambda row: count(row.macs)),
        Column("XLA FLOPs", lambda row: count(row.xla_flops)) if counts.xla_flops is not None else None,
        Column("bytes", lambda row: count(row.activation_bytes), rank=11),
        Column("rec. field", lambda row: receptive_field(row.receptive_field, row.receptive_field_exact), rank=3),
        Column("eff. stride", lambda row: size(row.effective_stride), rank=9),
        Column("offset", lambda row: size(row.offset), rank=12),
    ]
    return [column for column in columns if column is not None]


def _cells(counts: NetworkCounts, columns: Sequence[Column]) -> list[list[str]]:
    return [[column.cell(row) for column in columns] for row in counts.rows]


def _width(counts: NetworkCounts, columns: Sequence[Column]) -> int:
    return max(
        len(line) for line in aligned_table([c.title for c in columns], _cells(counts, columns), [False] * len(columns))
    )


def _notes(counts: NetworkCounts, without_sharing: bool) -> list[str]:
    notes = [
        f"{counts.model}, input {'x'.join(map(str, counts.input_shape))} (batch first)",
        f"parameters: {counts.parameters:,}"
        + (f" (and {counts.batch_stats:,} batch statistics, which are not trained)" if counts.batch_stats else ""),
    ]
    if without_sharing:
        notes.append(
            f"parameters without sharing: {counts.parameters_without_sharing:,} "
            "(a separate copy for each output position)"
        )
    notes += [
        f"multiply-adds: {counts.macs:,} MACs = {counts.flops:,} FLOPs ({CONVENTION})",
        f"activations: {counts.activation_bytes:,} bytes, the outputs of all layers",
        "receptive field, effective stride and offset (centre of the first receptive field) are in pixels of the "
        "image; all: the whole image",
        *_receptive_field_notes(counts),
    ]
    if counts.has_transposed_convolutions:
        notes.append(TRANSPOSED_CONVENTION)
    if counts.xla_flops is not None:
        notes.append(f"{XLA_CONVENTION}; in total {counts.xla_flops:,.0f}")
    if counts.is_first_call:
        notes.append("these are the counts of the call in `init`: the network refuses another one with the same input")
    reused = sum(row.reused_parameters for row in counts.rows)
    if reused:
        notes.append(f"{reused:,} parameters are used by more than one layer and counted once")
    notes += [f"not used for this output: {path}, {number:,} parameters" for path, number in counts.unused]
    notes += [_uncosted_note(name) for name in counts.uncosted]
    notes += [_misalignment_note(counts.model, found) for found in counts.misaligned]
    return notes


def _uncosted_note(name: str) -> str:
    if name.rpartition(": ")[2] == "cond":
        return f"upper bound: of {name} the branch with the most multiply-adds counts"
    return f"unknown cost, not in the multiply-adds: {name}"


def _receptive_field_notes(counts: NetworkCounts) -> list[str]:
    if all(all(row.receptive_field_exact) for row in counts.rows):
        return []
    return ["receptive fields after an operation that may read less than it could: <= at most so large, ? unknown"]


def _misalignment_note(model: str, found: Misalignment) -> str:
    strides, centres = (" and ".join(map(size, branches)) for branches in (found.strides, found.centres))
    return (
        f"misaligned branches: {found.operation} in {found.path or model} joins feature maps with effective strides of "
        f"{strides} pixels and first receptive fields centred at {centres}"
    )


def _padding(pads: Sequence[tuple[int, int]] | None) -> str:
    if not pads:
        return ""
    sides = [str(low) if low == high else f"{low}:{high}" for low, high in pads]
    return sides[0] if len(set(sides)) == 1 else "x".join(sides)


def _number(value: float | Fraction) -> str:
    return f"{float(value):.4g}" if isinstance(value, Fraction) else str(value)


def _csv_cell(name: str, value: Any) -> Any:
    if value is None:
        return ""
    if name == "padding":
        return "x".join(f"{low}:{high}" for low, high in value)
    if isinstance(value, tuple):
        return "x".join("" if part is None else _number(part) for part in value).strip("x")
    return csv_cell(value)
