"""A figure of a confusion matrix, with matplotlib."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.errors import ZooWarning
from zoo.runtime.figure_fonts import fonts_for
from zoo.visualize.sheets.figure_file import write_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# With more classes, the counts in the cells and the names at the axes are too small to read.
MAX_CLASSES_WITH_COUNTS, MAX_CLASSES_WITH_NAMES = 20, 100


def save_confusion(path: Path, confusion: np.ndarray, class_names: tuple[str, ...]) -> None:
    """Write a figure of `confusion`, counts [true class, predicted class], in the format of the path's suffix.

    Raises ZooError if it cannot be written.
    """
    write_figure(path, lambda: confusion_figure(confusion, class_names))


def confusion_figure(confusion: np.ndarray, class_names: tuple[str, ...]) -> Figure:
    """A figure whose rows are true classes, coloured by the fraction of their images; small ones with the counts."""
    from matplotlib.figure import Figure

    count = len(class_names)
    fraction = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    inches = 3 + min(count, MAX_CLASSES_WITH_NAMES) * (0.42 if count <= MAX_CLASSES_WITH_COUNTS else 0.16)
    figure = Figure(figsize=(inches + 1, inches), dpi=120)
    axes = figure.add_subplot(xlabel="predicted class", ylabel="true class")
    shown = axes.imshow(fraction, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    figure.colorbar(shown, label="fraction of the true class's images", shrink=0.8)
    if count <= MAX_CLASSES_WITH_NAMES:
        size = 9 if count <= MAX_CLASSES_WITH_COUNTS else 6
        fonts = fonts_for(class_names)
        if fonts.legend:
            warnings.warn(ZooWarning(f"some names are numbers in the figure: {fonts.legend}"), stacklevel=2)
        # A dollar sign would start a formula.
        names = [fonts.legible(name).replace("$", r"\$") for name in class_names]
        axes.set_xticks(range(count), names, rotation=90, fontsize=size, fontfamily=fonts.families)
        axes.set_yticks(range(count), names, fontsize=size, fontfamily=fonts.families)
    if count <= MAX_CLASSES_WITH_COUNTS:
        for (row, column), images in np.ndenumerate(confusion):
            colour = "white" if fraction[row, column] > 0.5 else "black"
            if images:
                axes.text(column, row, str(images), ha="center", va="center", color=colour, fontsize=8)
    return figure
