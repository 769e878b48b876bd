"""Tables for notebooks: HTML without styles of its own, but for what makes numbers readable."""

from collections.abc import Sequence
from html import escape

from zoo.printable import printable

# In pixels: about half of a laptop's screen. What is longer scrolls.
HEIGHT = 400


def html_table(
    titles: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[bool], caption: str = "", notes: str = ""
) -> str:
    """A table in a box that scrolls, below `caption` and above `notes`. `left`: which columns are flush left.

    All text is escaped.
    """
    aligns = ["left" if flush else "right" for flush in left]
    head = "".join(_cell("th", title, align) for title, align in zip(titles, aligns, strict=True))
    body = "".join(
        f"<tr>{''.join(_cell('td', cell, align) for cell, align in zip(row, aligns, strict=True))}</tr>" for row in rows
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    box = f'<div style="max-height: {HEIGHT}px; overflow: auto">{table}</div>' if rows else ""
    return f"{_paragraph(caption)}{box}{_paragraph(notes)}"


def html_facts(title: str, facts: Sequence[tuple[str, str]]) -> str:
    """A title, and a table of names and values."""
    rows = "".join(f"<tr>{_cell('th', name, 'left')}{_cell('td', value, 'left')}</tr>" for name, value in facts)
    return f"{_paragraph(title)}<table><tbody>{rows}</tbody></table>"


def _cell(tag: str, text: str, align: str) -> str:
    return f'<{tag} style="text-align: {align}">{escape(printable(text))}</{tag}>'


def _paragraph(text: str) -> str:
    return f"<p>{'<br>'.join(escape(printable(line)) for line in text.splitlines())}</p>" if text else ""
