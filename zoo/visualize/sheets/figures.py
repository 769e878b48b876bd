"""Figures of images in rows, with a title above and a caption below, drawn with matplotlib, saved as PNG and PDF."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from zoo.errors import ZooError
from zoo.runtime.atomic_files import replacing
from zoo.runtime.figure_fonts import FigureFonts, fonts_for
from zoo.visualize.sheets.sheet_image import Rows, SheetImage

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

TEXT_COLOUR, CAPTION_COLOUR, BOX_COLOUR = "#333333", "#666666", "#d55e00"
FORMATS = ("png", "pdf")
# Pixels per inch of a PNG.
DPI = 150

NUMBERS_CAPTION = (
    "A number after # is a name that no installed font can draw; index.html has it (in Python the sheet's legend)."
)

# Sizes in inches.
MARGIN, TITLE_HEIGHT, LABEL_HEIGHT, LINE_HEIGHT = 0.3, 0.5, 0.24, 0.17
GAP_WITHIN_GROUP, GAP_BETWEEN_GROUPS = 0.08, 0.12
ROW_GAP, ROW_GAP_WITH_BAR = 0.1, 0.36
MIN_WIDTH = 6.0
# Of the caption's font.
CHARACTERS_PER_INCH = 17


def check_matplotlib() -> None:
    """Raises ZooError if matplotlib is missing; call it before a long computation."""
    if find_spec("matplotlib") is None:
        raise ZooError("figures need matplotlib: pip install matplotlib")


@dataclass(frozen=True)
class _Layout:
    """Sizes and positions in inches; `left` are those of the columns, from the left edge."""

    width: float
    height: float
    image_width: float
    image_height: float
    label_height: float
    row_height: float
    left: list[float]
    caption_lines: list[str]

    @property
    def caption_height(self) -> float:
        return _caption_height(self.caption_lines)

    def top(self, row: int) -> float:
        """The upper edge of a row's images, from the bottom of the figure."""
        return self.height - TITLE_HEIGHT - row * self.row_height - self.label_height


def sheet_fonts(rows: Rows, title: str, caption: str) -> FigureFonts:
    """The fonts for all texts of a sheet."""
    return fonts_for([title, caption, *(image.label for row in rows for image in row)])


def sheet_figure(
    rows: Rows, title: str, caption: str, fonts: FigureFonts, *, image_width: float = 1.9, group_size: int = 1
) -> Figure:
    """A figure of rows of images, each `image_width` inches wide; `group_size` neighbours have a smaller gap.

    All images have the height of the highest, relative to its width. `fonts` are those of `sheet_fonts`.
    """
    from matplotlib.figure import Figure

    title, caption = fonts.legible(title), fonts.legible(caption)
    if fonts.numbers:
        caption += f"\n{NUMBERS_CAPTION}"
    rows = [[replace(image, label=fonts.legible(image.label)) for image in row] for row in rows]
    layout = _layout(rows, caption, image_width, group_size)
    figure = Figure(figsize=(layout.width, layout.height), dpi=DPI, facecolor="white")
    _write_title_and_caption(figure, layout, title, fonts)
    for row, images in enumerate(rows):
        top = layout.top(row)
        for left, image in zip(layout.left, images, strict=False):
            _add_image(figure, layout, image, fonts, left=left, top=top)
    return figure


def _layout(rows: Rows, caption: str, image_width: float, group_size: int) -> _Layout:
    images = [image for row in rows for image in row]
    columns = max(map(len, rows))
    left = [
        MARGIN + column * (image_width + GAP_WITHIN_GROUP) + column // group_size * GAP_BETWEEN_GROUPS
        for column in range(columns)
    ]
    width = max(MIN_WIDTH, left[-1] + image_width + MARGIN)
    characters = int((width - 2 * MARGIN) * CHARACTERS_PER_INCH)
    caption_lines = [line for part in caption.split("\n") for line in textwrap.wrap(part, characters)]
    label_lines = max(image.label.count("\n") + 1 if image.label else 0 for image in images)
    image_height = image_width * max(image.pixels.shape[0] / image.pixels.shape[1] for image in images)
    gap = ROW_GAP_WITH_BAR if any(image.bar for image in images) else ROW_GAP
    row_height = LABEL_HEIGHT * label_lines + image_height + gap
    return _Layout(
        width=width,
        height=TITLE_HEIGHT + len(rows) * row_height + _caption_height(caption_lines),
        image_width=image_width,
        image_height=image_height,
        label_height=LABEL_HEIGHT * label_lines,
        row_height=row_height,
        left=left,
        caption_lines=caption_lines,
    )


def _caption_height(lines: Sequence[str]) -> float:
    return MARGIN + LINE_HEIGHT * len(lines)


def _write_title_and_caption(figure: Figure, layout: _Layout, title: str, fonts: FigureFonts) -> None:
    # The title shrinks to the width of the sheet.
    size = min(14.0, 135 * (layout.width - 2 * MARGIN) / max(1, len(title)))
    style: dict[str, Any] = {"fontsize": size, "weight": "bold", "color": TEXT_COLOUR}
    left = MARGIN / layout.width
    plain: dict[str, Any] = {"parse_math": False, "fontfamily": fonts.families}
    figure.text(left, 1 - 0.2 / layout.height, title, va="top", **plain, **style)
    for number, line in enumerate(layout.caption_lines):
        y = (layout.caption_height - 0.12 - LINE_HEIGHT * number) / layout.height
        figure.text(left, y, line, va="top", fontsize=8, color=CAPTION_COLOUR, **plain)


def _add_image(
    figure: Figure, layout: _Layout, image: SheetImage, fonts: FigureFonts, *, left: float, top: float
) -> None:
    """An image with its label and bar; `left` and `top` are inches from the lower left corner of the figure."""
    width, height = layout.width, layout.height
    bottom = top - layout.image_height
    axes = figure.add_axes((left / width, bottom / height, layout.image_width / width, layout.image_height / height))
    drawn = _draw(axes, image)
    if image.label:
        style: dict[str, Any] = {
            "fontsize": 8.5,
            "color": TEXT_COLOUR,
            "parse_math": False,
            "fontfamily": fonts.families,
        }
        figure.text(left / width, (top + 0.05) / height, image.label, va="bottom", **style)
    if image.bar:
        bar_box = (left / width, (bottom - 0.11) / height, layout.image_width / width, 0.07 / height)
        _draw_bar(figure, bar_box, drawn, image)


def save_figure(figure: Figure, stem: Path, formats: Sequence[str] = FORMATS, *, dpi: int = DPI) -> list[Path]:
    """Write the figure to `stem` with the suffix of each format; each file is written whole or not at all.

    `dpi` is for the PNG. Raises ZooError for a file that cannot be written.
    """
    paths = [stem.with_name(f"{stem.name}.{name}") for name in formats]
    for path, name in zip(paths, formats, strict=True):
        with replacing(path) as unfinished:
            if name == "png":
                _save_png(figure, unfinished, dpi)
            else:
                # Without a date, the same figure gives the same file.
                figure.savefig(unfinished, format=name, metadata={"CreationDate": None})
    return paths


def _save_png(figure: Figure, path: Path, dpi: int) -> None:
    """As matplotlib draws it, but with one channel if all is grey: a third of the bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    with Image.open(buffer) as image:
        colours = image.convert("RGB")
    grey = colours.convert("L")
    is_grey = np.array_equal(np.asarray(colours), np.asarray(grey.convert("RGB")))
    (grey if is_grey else colours).save(path, format="png", optimize=True, dpi=(dpi, dpi))


def _draw(axes: Axes, image: SheetImage) -> AxesImage:
    axes.set_axis_off()
    axes.set_anchor("NW")
    exact: dict[str, Any] = {"interpolation": "nearest", "aspect": "equal"}
    if image.background is not None:
        axes.imshow(image.background, **exact)
    alpha = 0.6 if image.background is not None else 1
    colour_map: dict[str, Any] = {"cmap": image.colour_map, "vmin": image.low, "vmax": image.high, "alpha": alpha}
    drawn = axes.imshow(image.pixels, **exact, **(colour_map if image.colour_map else {}))
    _draw_boxes(axes, image)
    rows, columns = image.pixels.shape[:2]
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
    return drawn


def _draw_boxes(axes: Axes, image: SheetImage) -> None:
    from matplotlib.patches import Rectangle

    size = np.array(image.pixels.shape[1::-1])
    for number, (top, left, bottom, right) in enumerate(image.boxes, start=1):
        # A pixel's coordinates are those of its centre.
        corner = (left - 0.5, top - 0.5)
        axes.add_patch(Rectangle(corner, right - left, bottom - top, fill=False, edgecolor=BOX_COLOUR, linewidth=0.9))
        if len(image.boxes) > 1:
            # At the corner of the box, but inside the image.
            x, y = np.clip((left, top), 0.02 * size, 0.98 * size)
            white = {"fc": "white", "ec": "none", "pad": 0.6}
            axes.text(x, y, str(number), fontsize=5.5, color=BOX_COLOUR, ha="center", va="center", bbox=white)


def _draw_bar(figure: Figure, box: tuple[float, float, float, float], drawn: AxesImage, image: SheetImage) -> None:
    axes = figure.add_axes(box)
    bar = figure.colorbar(drawn, cax=axes, orientation="horizontal", ticks=[image.low, image.high])
    bar.set_ticklabels([f"{image.low:.3g}", f"{image.high:.3g}"])
    bar.outline.set_visible(False)
    if bar.solids is not None:
        bar.solids.set_alpha(1)
    axes.tick_params(length=0, labelsize=7, colors=CAPTION_COLOUR, pad=1.5)
    low, high = axes.get_xticklabels()
    low.set_horizontalalignment("left")
    high.set_horizontalalignment("right")
