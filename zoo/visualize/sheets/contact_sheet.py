"""A contact sheet of a data set: a row of training images for each class."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.data import DataError, Dataset, Source, fit_image
from zoo.data.class_counts import label_of
from zoo.data.evenly_spaced import evenly_spaced_indices
from zoo.data.fitting import with_channels
from zoo.data.known_labels import known_labels
from zoo.errors import ZooWarning
from zoo.runtime.figure_fonts import fonts_for
from zoo.visualize.sheets.figure_file import write_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PER_CLASS = 8
MAX_CLASSES = 40
# Pixels; a tile with its gap is an inch.
TILE, GAP, DPI = 96, 4, 100
WHITE, UNREADABLE = 255, 220
# Examples that are read for their labels, where a source does not know them.
MAX_READ = 4000


def save_contact_sheet(path: Path, dataset: Dataset) -> None:
    """Write `contact_sheet` in the format of the path's suffix. Raises ZooError if it cannot be written."""
    write_figure(path, lambda: contact_sheet(dataset))


def contact_sheet(dataset: Dataset) -> Figure:
    """A figure with up to 8 training images of each of up to 40 classes, evenly spaced; grey for one not readable."""
    from matplotlib.figure import Figure

    rows = class_members(dataset.train, min(len(dataset.class_names), MAX_CLASSES))
    step = TILE + GAP
    mosaic = np.full((len(rows) * step, PER_CLASS * step, 3), WHITE, np.uint8)
    for row, members in enumerate(rows):
        for column, index in enumerate(members):
            top, left = row * step, column * step
            mosaic[top : top + TILE, left : left + TILE] = _tile(dataset.train, index)
    figure = Figure(figsize=(PER_CLASS, len(rows)), dpi=DPI)
    axes = figure.add_axes((0, 0, 1, 1), frameon=False)
    axes.imshow(mosaic, interpolation="nearest")
    names = dataset.class_names[: len(rows)]
    fonts = fonts_for((*names, dataset.name))
    if fonts.legend:
        warnings.warn(ZooWarning(f"some names are numbers in the sheet: {fonts.legend}"), stacklevel=2)
    # A dollar sign would start a formula.
    labels = [fonts.legible(name).replace("$", r"\$") for name in names]
    axes.set_xticks([])
    axes.set_yticks([row * step + TILE / 2 for row in range(len(rows))], labels, fontfamily=fonts.families)
    axes.tick_params(length=0)
    some = "" if len(rows) == len(dataset.class_names) else f", {len(rows)} of {len(dataset.class_names)} classes"
    axes.set_title(f"{fonts.legible(dataset.name)}: training images{some}", fontfamily=fonts.families)
    return figure


def class_members(source: Source, classes: int) -> list[list[int]]:
    """For each class up to 8 indices of its examples, evenly spaced among those whose label is known or was read."""
    labels, indices = known_labels(source), np.arange(len(source))
    if labels is None:
        indices = np.array(evenly_spaced_indices(len(source), MAX_READ), int)
        labels = np.array([_label_or_none(source, index) for index in indices.tolist()])
    members = (indices[labels == label] for label in range(classes))
    return [part[evenly_spaced_indices(len(part), PER_CLASS)].tolist() for part in members]


def _label_or_none(source: Source, index: int) -> int:
    try:
        return label_of(source, index)
    except DataError:
        return -1


def _tile(source: Source, index: int) -> np.ndarray:
    """The whole image on black, enlarged by a whole factor where it is small."""
    thumbnail = getattr(source, "thumbnail", None)
    try:
        image = thumbnail(index, TILE) if thumbnail else source[index]["image"]
    except DataError:
        return np.full((TILE, TILE, 3), UNREADABLE, np.uint8)
    factor = max(1, TILE // max(image.shape[:2]))
    return fit_image(with_channels(image, 3).repeat(factor, 0).repeat(factor, 1), (TILE, TILE, 3), "pad")
