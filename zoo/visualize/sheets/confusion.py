"""A picture of a confusion matrix, with matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.errors import ZooError
from zoo.runtime.atomic_files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Beyond so many classes, numbers in the cells and names at the axes cannot be read.
NUMBERED, NAMED = 20, 100


def check_figure_path(path: Path) -> None:
    """Raises ZooError where no picture could be written there: better before a long evaluation than after."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ZooError("a picture needs matplotlib: pip install matplotlib, or leave the picture out") from None
    formats = Figure().canvas.get_supported_filetypes()
    if _format(path) not in formats:
        raise ZooError(f"{path} is no picture: its name must end in .{', .'.join(sorted(formats))}")
    if not path.absolute().parent.is_dir():
        raise ZooError(f"cannot write {path}: there is no folder {path.parent}")


def save_confusion(path: Path, confusion: np.ndarray, class_names: tuple[str, ...]) -> None:
    """Write a picture of [true class, predicted class] counts, its format by the name's end. Raises ZooError."""
    check_figure_path(path)
    with replacing(path) as unfinished:
        confusion_figure(confusion, class_names).savefig(unfinished, format=_format(path), bbox_inches="tight")


def confusion_figure(confusion: np.ndarray, class_names: tuple[str, ...]) -> Figure:
    """Rows are true classes, coloured by the share of their images; counts in the cells of a small matrix."""
    from matplotlib.figure import Figure

    count = len(class_names)
    share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    inches = 3 + min(count, NAMED) * (0.42 if count <= NUMBERED else 0.16)
    figure = Figure(figsize=(inches + 1, inches), dpi=120)
    axes = figure.add_subplot(xlabel="predicted class", ylabel="true class")
    shown = axes.imshow(share, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    figure.colorbar(shown, label="share of the true class's images", shrink=0.8)
    if count <= NAMED:
        size = 9 if count <= NUMBERED else 6
        # A dollar would begin a formula.
        names = [name.replace("$", r"\$") for name in class_names]
        axes.set_xticks(range(count), names, rotation=90, fontsize=size)
        axes.set_yticks(range(count), names, fontsize=size)
    if count <= NUMBERED:
        for (row, column), images in np.ndenumerate(confusion):
            colour = "white" if share[row, column] > 0.5 else "black"
            if images:
                axes.text(column, row, str(images), ha="center", va="center", color=colour, fontsize=8)
    return figure


def _format(path: Path) -> str:
    return path.suffix.lower().removeprefix(".")
