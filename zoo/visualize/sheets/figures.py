"""Sheets of pictures with matplotlib: cells in rows, a title above and a caption below; written as PNG and PDF."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from zoo.errors import ZooError
from zoo.runtime.atomic_files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

INK, QUIET, BOX = "#333333", "#666666", "#d55e00"
FORMATS = ("png", "pdf")
# Pixels an inch of a PNG.
DPI = 150

# Inches, and characters of the caption's size an inch.
MARGIN, LINE, LABEL, BAR, TITLE, AN_INCH = 0.3, 0.17, 0.24, 0.36, 0.5, 17
NARROWEST = 6.0


@dataclass(frozen=True, eq=False)
class Cell:
    """One picture of a sheet: colours 0..1 [height, width, 3], or values [height, width] in a colour map.

    Values go from `low` to `high`, which a bar under the picture shows with `bar`. `label` stands above. `under` are
    colours beneath half-transparent values. `boxes` (top, left, bottom, right) are drawn on it, several with numbers.
    """

    pixels: np.ndarray
    label: str = ""
    colours: str | None = None
    low: float = 0.0
    high: float = 1.0
    bar: bool = False
    under: np.ndarray | None = None
    boxes: Sequence[np.ndarray] = ()


Rows = Sequence[Sequence[Cell]]


def zero_centred(values: np.ndarray, label: str = "", *, high: float | None = None, bar: bool = False) -> Cell:
    """Values of any sign: white is zero, red above and blue below, to the largest magnitude or `high`."""
    high = float(np.abs(values).max(initial=0)) if high is None else high
    return Cell(values, label, "RdBu_r", -(high or 1.0), high or 1.0, bar)


def from_zero(
    values: np.ndarray,
    label: str = "",
    *,
    high: float | None = None,
    bar: bool = False,
    under: np.ndarray | None = None,
) -> Cell:
    """Values that are not negative: dark is zero, yellow the largest or `high`."""
    high = float(values.max(initial=0)) if high is None else high
    return Cell(values, label, "viridis", 0.0, high or 1.0, bar, under)


def check_matplotlib() -> None:
    """Raises ZooError where it is missing: better before a long search than after."""
    if find_spec("matplotlib") is None:
        raise ZooError("pictures need matplotlib: pip install matplotlib")


def sheet_figure(rows: Rows, title: str, caption: str, *, side: float = 1.9, together: int = 1) -> Figure:
    """Rows of cells; `side` is a cell's width in inches, and `together` cells stand closer, as the paper's pairs.

    All cells of a sheet are as high as the highest, for their width.
    """
    from matplotlib.figure import Figure

    columns = max(map(len, rows))
    cells = [cell for row in rows for cell in row]
    height = side * max(cell.pixels.shape[0] / cell.pixels.shape[1] for cell in cells)
    label = LABEL * any(cell.label for cell in cells) * max(cell.label.count("\n") + 1 for cell in cells)
    below = BAR if any(cell.bar for cell in cells) else 0.1
    lefts = [MARGIN + column * (side + 0.08) + column // together * 0.12 for column in range(columns)]
    width = max(NARROWEST, lefts[-1] + side + MARGIN)
    lines = [line for part in caption.split("\n") for line in textwrap.wrap(part, int((width - 2 * MARGIN) * AN_INCH))]
    foot = MARGIN + LINE * len(lines)
    total = TITLE + len(rows) * (label + height + below) + foot

    figure = Figure(figsize=(width, total), dpi=DPI, facecolor="white")
    said = {"color": INK, "parse_math": False}
    # The title shrinks to the sheet's width.
    size = min(14.0, 135 * (width - 2 * MARGIN) / max(1, len(title)))
    figure.text(MARGIN / width, 1 - 0.2 / total, title, va="top", fontsize=size, weight="bold", **said)
    for i, line in enumerate(lines):
        y = (foot - 0.12 - LINE * i) / total
        figure.text(MARGIN / width, y, line, va="top", fontsize=8, color=QUIET, parse_math=False)
    for row, row_cells in enumerate(rows):
        top = total - TITLE - row * (label + height + below) - label
        for left, cell in zip(lefts, row_cells, strict=False):
            axes = figure.add_axes((left / width, (top - height) / total, side / width, height / total))
            shown = _draw(axes, cell)
            if cell.label:
                figure.text(left / width, (top + 0.05) / total, cell.label, va="bottom", fontsize=8.5, **said)
            if cell.bar:
                place = (left / width, (top - height - 0.11) / total, side / width, 0.07 / total)
                _draw_bar(figure, place, shown, cell)
    return figure


def save_figure(figure: Figure, stem: Path, formats: Sequence[str] = FORMATS, *, dpi: int = DPI) -> list[Path]:
    """Write the figure to `stem` with each format's ending, whole or not at all; `dpi` is the PNG's.

    Raises ZooError where it cannot be written.
    """
    paths = [stem.with_name(f"{stem.name}.{name}") for name in formats]
    for path, name in zip(paths, formats, strict=True):
        with replacing(path) as unfinished:
            if name == "png":
                _save_png(figure, unfinished, dpi)
            else:
                # Without a date the same picture is the same file.
                figure.savefig(unfinished, format=name, metadata={"CreationDate": None})
    return paths


def _save_png(figure: Figure, path: Path, dpi: int) -> None:
    """As matplotlib draws it, in a third of the bytes where all is grey."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=dpi)
    with Image.open(drawn) as image:
        colours = image.convert("RGB")
    grey = colours.convert("L")
    same = np.array_equal(np.asarray(colours), np.asarray(grey.convert("RGB")))
    (grey if same else colours).save(path, format="png", optimize=True, dpi=(dpi, dpi))


def _draw(axes: Axes, cell: Cell) -> AxesImage:
    axes.set_axis_off()
    axes.set_anchor("NW")
    plain = {"interpolation": "nearest", "aspect": "equal"}
    if cell.under is not None:
        axes.imshow(cell.under, **plain)
    values = {"cmap": cell.colours, "vmin": cell.low, "vmax": cell.high, "alpha": 0.6 if cell.under is not None else 1}
    shown = axes.imshow(cell.pixels, **plain, **(values if cell.colours else {}))
    _draw_boxes(axes, cell)
    rows, columns = cell.pixels.shape[:2]
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
    return shown


def _draw_boxes(axes: Axes, cell: Cell) -> None:
    from matplotlib.patches import Rectangle

    size = np.array(cell.pixels.shape[1::-1])
    for number, (top, left, bottom, right) in enumerate(cell.boxes, start=1):
        # Pixels reach half a unit beyond their centres.
        corner = (left - 0.5, top - 0.5)
        axes.add_patch(Rectangle(corner, right - left, bottom - top, fill=False, edgecolor=BOX, linewidth=0.9))
        if len(cell.boxes) > 1:
            # At the box's corner, but within the image.
            at = np.clip((left, top), 0.02 * size, 0.98 * size)
            paper = {"fc": "white", "ec": "none", "pad": 0.6}
            axes.text(*at, str(number), fontsize=5.5, color=BOX, ha="center", va="center", bbox=paper)


def _draw_bar(figure: Figure, place: tuple[float, float, float, float], shown: AxesImage, cell: Cell) -> None:
    axes = figure.add_axes(place)
    bar = figure.colorbar(shown, cax=axes, orientation="horizontal", ticks=[cell.low, cell.high])
    bar.set_ticklabels([f"{cell.low:.3g}", f"{cell.high:.3g}"])
    bar.outline.set_visible(False)
    bar.solids.set_alpha(1)
    axes.tick_params(length=0, labelsize=7, colors=QUIET, pad=1.5)
    for tick, side in zip(axes.get_xticklabels(), ("left", "right"), strict=True):
        tick.set_horizontalalignment(side)
