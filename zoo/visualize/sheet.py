"""A sheet of pictures, an album of them on the disk, and the page that lists them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import ZooError
from zoo.visualize.figures import save_figure
from zoo.weights.atomic import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font-family: sans-serif; color: #333; max-width: 1200px; margin: 2em auto; padding: 0 1em; }}
img {{ max-width: 100%; }}
figure {{ margin: 2em 0; }}
figcaption {{ color: #666; font-size: 0.9em; }}
</style>
<h1>{title}</h1>
<p><code>{command}</code></p>
{sheets}
</html>
"""
ENTRY = """<figure id="{name}">
<h2>{title}</h2>
<a href="{name}.png"><img src="{name}.png" alt="{title}"></a>
<figcaption>{caption} <a href="{name}.pdf">PDF</a></figcaption>
</figure>"""


@dataclass(frozen=True, eq=False)
class Sheet:
    """A figure, its file name without an ending, and what it says in words."""

    name: str
    title: str
    caption: str
    figure: Figure


def sheet_name(method: str, layer: str = "") -> str:
    """ "deconvnet-inception_3a-3x3" for a layer within a block."""
    return "-".join(re.sub(r"[^A-Za-z0-9._-]+", "-", part) for part in (method, layer) if part)


class Album:
    """A folder of sheets with index.html, which lists at any moment the sheets that are there."""

    def __init__(self, folder: Path, title: str, command: str) -> None:
        self.folder, self._title, self._command = folder, title, command
        self._entries: list[str] = []

    @property
    def index(self) -> Path:
        """The page that lists the sheets."""
        return self.folder / "index.html"

    def add(self, sheet: Sheet) -> list[Path]:
        """Write a sheet, then the index; the sheet's files. Raises ZooError where they cannot be written."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ZooError(f"cannot make the folder {self.folder}: {error.strerror}") from None
        paths = save_figure(sheet.figure, self.folder / sheet.name)
        said = {"name": sheet.name, "title": sheet.title, "caption": sheet.caption}
        self._entries.append(ENTRY.format(**{name: escape(text) for name, text in said.items()}))
        page = {"title": escape(self._title), "command": escape(self._command), "sheets": "\n".join(self._entries)}
        with replacing(self.index) as unfinished:
            unfinished.write_text(PAGE.format(**page), encoding="utf-8")
        return paths
