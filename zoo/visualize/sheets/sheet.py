"""A sheet, and the folder of sheets with the page that lists them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from zoo.errors import ZooError
from zoo.runtime.atomic_files import replacing
from zoo.runtime.records import InvalidRecord, as_record, parse_json, with_advice
from zoo.runtime.regular_file import read_regular
from zoo.runtime.system_errors import reason
from zoo.visualize.sheets.figures import DPI, save_figure, sheet_figure, sheet_fonts
from zoo.visualize.sheets.sheet_image import Rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TEMPLATE = Path(__file__).with_name("index.html.j2")
FILE_NAME_CHARACTERS = "A-Za-z0-9._-"


@dataclass(frozen=True, eq=False, repr=False)
class Sheet:
    """A figure with its title and caption; `name` is its file name without a suffix.

    `legend` says which names the figure has numbers for, because no font can draw them; "" for none.
    """

    name: str
    title: str
    caption: str
    figure: Figure
    legend: str = ""

    def __repr__(self) -> str:
        return f"Sheet({self.name}: {self.title})"

    def _repr_png_(self) -> bytes:
        """For notebooks."""
        written = BytesIO()
        self.figure.savefig(written, format="png", dpi=DPI)
        return written.getvalue()


def draw_sheet(
    name: str, rows: Rows, title: str, caption: str, *, image_width: float = 1.9, group_size: int = 1
) -> Sheet:
    """A sheet of rows of images; the sizes are as for `sheet_figure`."""
    fonts = sheet_fonts(rows, title, caption)
    figure = sheet_figure(rows, title, caption, fonts, image_width=image_width, group_size=group_size)
    return Sheet(name, title, caption, figure, fonts.legend)


# Part of links.
SheetName = Annotated[
    str,
    Meta(
        pattern=rf"\A[{FILE_NAME_CHARACTERS}]+\Z",
        max_length=255,
        description="a file name of letters, digits, dots, dashes and underscores",
    ),
]
Text = Annotated[str, Meta(max_length=100_000)]


@dataclass(frozen=True)
class IndexEntry:
    """What the page says of a sheet, and the command that made it."""

    name: SheetName
    title: Text
    caption: Text
    command: Text


Entries = Annotated[list[IndexEntry], Meta(max_length=100_000)]


def sheet_name(method: str, layer: str = "") -> str:
    """The name of a sheet, such as "deconvnet-inception_3a-3x3" for the layer "inception_3a/3x3"."""
    return "-".join(re.sub(f"[^{FILE_NAME_CHARACTERS}]+", "-", part) for part in (method, layer) if part)


def index_path(folder: Path) -> Path:
    """The page that lists a folder's sheets. The file index.json next to it has the same list for later commands."""
    return folder / "index.html"


def add_sheet(folder: Path, sheet: Sheet, command: str, dpi: int = DPI) -> list[Path]:
    """Write a sheet and add it to the page; a sheet of the same name is replaced. Returns the sheet's files.

    Raises ZooError if a file cannot be written, or index.json cannot be read.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ZooError(f"cannot make the folder {folder}: {reason(error)}") from None
    paths = save_figure(sheet.figure, folder / sheet.name, dpi=dpi)
    entries = {entry.name: entry for entry in read_index(folder)}
    caption = f"{sheet.caption} Numbers: {sheet.legend}." if sheet.legend else sheet.caption
    entries[sheet.name] = IndexEntry(name=sheet.name, title=sheet.title, caption=caption, command=command)
    with replacing(_json_path(folder)) as unfinished:
        unfinished.write_text(json.dumps([asdict(entry) for entry in entries.values()], indent=1) + "\n")
    with replacing(index_path(folder)) as unfinished:
        # A file name in the command may have bytes that are not UTF-8.
        unfinished.write_text(_render(entries.values()), encoding="utf-8", errors="replace")
    return paths


def read_index(folder: Path) -> list[IndexEntry]:
    """The sheets of earlier commands whose files still exist; [] for a new folder.

    Raises ZooError if index.json cannot be read, or was not written by `add_sheet`.
    """
    path = _json_path(folder)
    try:
        text = read_regular(path)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ZooError(f"cannot read {path}: {reason(error)}") from None
    with with_advice("remove this list of sheets, or choose another folder"):
        entries = as_record(parse_json(text, str(path)), Entries, str(path))
        if twice := next((name for name, times in Counter(e.name for e in entries).items() if times > 1), None):
            raise InvalidRecord(f"{path} lists {twice} more than once")
    return [entry for entry in entries if (folder / f"{entry.name}.png").exists()]


def _json_path(folder: Path) -> Path:
    return index_path(folder).with_suffix(".json")


def _render(entries: Iterable[IndexEntry]) -> str:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(entries=list(entries))
