"""A sheet of pictures, and the folder of them with the page that lists them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError
from zoo.runtime.atomic_files import replacing
from zoo.visualize.sheets.figures import DPI, save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TEMPLATE = Path(__file__).with_name("index.html.j2")
PLAIN = "A-Za-z0-9._-"


@dataclass(frozen=True, eq=False)
class Sheet:
    """A figure, its file name without an ending, and what it says in words."""

    name: str
    title: str
    caption: str
    figure: Figure


@dataclass(frozen=True)
class Entry:
    """What the page says of a sheet, and the command that made it."""

    name: str
    title: str
    caption: str
    command: str


def sheet_name(method: str, layer: str = "") -> str:
    """ "deconvnet-inception_3a-3x3" for a layer within a block."""
    return "-".join(re.sub(f"[^{PLAIN}]+", "-", part) for part in (method, layer) if part)


def index_of(folder: Path) -> Path:
    """The page that lists a folder's sheets; beside it index.json lists them for the next command."""
    return folder / "index.html"


def add_sheet(folder: Path, sheet: Sheet, command: str, dpi: int = DPI) -> list[Path]:
    """Write a sheet and put it on the page, in the place of one with its name; the sheet's files.

    Raises ZooError where they cannot be written, or the list of what is there cannot be read.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ZooError(f"cannot make the folder {folder}: {error.strerror}") from None
    paths = save_figure(sheet.figure, folder / sheet.name, dpi=dpi)
    entries = {entry.name: entry for entry in entries_in(folder)}
    entries[sheet.name] = Entry(sheet.name, sheet.title, sheet.caption, command)
    with replacing(_list_of(folder)) as unfinished:
        unfinished.write_text(json.dumps([asdict(entry) for entry in entries.values()], indent=1) + "\n")
    with replacing(index_of(folder)) as unfinished:
        # A file's name may have bytes that are no text.
        unfinished.write_text(_page(entries.values()), encoding="utf-8", errors="replace")
    return paths


def entries_in(folder: Path) -> list[Entry]:
    """The sheets that earlier commands put on a folder's page, and that are still there.

    Raises ZooError where the list is not one that was written here.
    """
    path = _list_of(folder)
    try:
        listed = [_entry(stored) for stored in json.loads(path.read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ZooError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, TypeError, RecursionError):
        raise ZooError(f"{path} is not a list of sheets: remove it, or choose another folder") from None
    return [entry for entry in listed if (folder / f"{entry.name}.png").exists()]


def _entry(stored: Any) -> Entry:
    """Raises ValueError or TypeError for what is none: all is text, and a name, which is part of links, a plain one."""
    entry = Entry(**stored)
    if not all(isinstance(said, str) for said in astuple(entry)) or not re.fullmatch(f"[{PLAIN}]+", entry.name):
        raise ValueError(stored)
    return entry


def _list_of(folder: Path) -> Path:
    return index_of(folder).with_suffix(".json")


def _page(entries: Iterable[Entry]) -> str:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(entries=list(entries))
