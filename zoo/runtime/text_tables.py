"""Tables of text: with aligned columns for a terminal, and with pipes for Markdown."""

import textwrap
from collections.abc import Sequence
from typing import Any

from zoo.printable import printable
from zoo.runtime.console import terminal_width

FORMULA_STARTS = ("=", "+", "-", "@")


def aligned_table(titles: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[bool]) -> list[str]:
    """Lines of a table with aligned columns and a rule under the titles. `left`: which columns are flush left."""
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = (c.ljust(w) if flush else c.rjust(w) for c, w, flush in zip(cells, widths, left, strict=True))
        return "  ".join(padded).rstrip()

    return [line(titles), "-" * (sum(widths) + 2 * (len(widths) - 1)), *(line(row) for row in rows)]


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[bool]) -> None:
    """Print `aligned_table`; on a terminal, lines are cut to its width."""
    width = terminal_width()
    for line in aligned_table(titles, rows, left):
        print(line if width is None else shorten(line, width))


def markdown_table(titles: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[bool]) -> list[str]:
    """Lines of a Markdown table. `left`: which columns are flush left."""
    rule = ["---" if flush else "---:" for flush in left]
    escaped = [[printable(cell).replace("|", r"\|") for cell in row] for row in rows]
    return ["| " + " | ".join(cells) + " |" for cells in (titles, rule, *escaped)]


def csv_cell(value: Any) -> Any:
    """A value for a CSV file: text that a spreadsheet would run as a formula gets an apostrophe before it."""
    if not isinstance(value, str):
        return value
    return printable(f"'{value}" if value.startswith(FORMULA_STARTS) else value)


def shorten(line: str, width: int) -> str:
    """The line, cut to `width` characters, the last of which is then an ellipsis."""
    return line if len(line) <= width else line[: width - 1] + "…"


def wrap(note: str, width: int) -> list[str]:
    """Lines of at most `width` characters, all but the first indented."""
    return textwrap.wrap(note, width, subsequent_indent="  ")
