"""Rows of figures: a part prints each as a line of JSON, and benchmarks/gpu.py collects them and makes tables."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

Row = Mapping[str, Any]

MARK = "row: "


def emit(table: str, **figures: Any) -> None:
    """Print a row of a table; its columns are the names of the figures."""
    print(MARK + json.dumps({"table": table, **figures}), flush=True)


def parse_row(line: str) -> dict[str, Any] | None:
    """The row of a line that `emit` printed, or None. A line that was cut is none."""
    if not line.startswith(MARK):
        return None
    try:
        return json.loads(line.removeprefix(MARK))
    except json.JSONDecodeError:
        return None


def as_markdown(rows: Iterable[Row]) -> list[str]:
    """One Markdown table for each of `table`, in the order of the first rows, with the columns of all its rows."""
    tables: dict[str, list[Row]] = {}
    for row in rows:
        tables.setdefault(row["table"], []).append(row)
    lines: list[str] = []
    for title, members in tables.items():
        columns = list(dict.fromkeys(name for row in members for name in row if name != "table"))
        numbers = [all(not isinstance(row.get(name), str) for row in members) for name in columns]
        lines += ["", f"**{title}**", "", _line(columns), _line(("---", "--:")[number] for number in numbers)]
        lines += [_line(_cell(row.get(name)) for name in columns) for row in members]
    return lines


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: Any) -> str:
    """A figure with three digits or more; nothing for one that is not known."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "\\|").replace("\n", " ")
