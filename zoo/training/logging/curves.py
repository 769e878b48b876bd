"""The plot of a run: loss, accuracy and learning rate over its epochs."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from zoo.errors import ZooWarning
from zoo.runtime.atomic_files import replacing
from zoo.runtime.figure_fonts import fonts_for
from zoo.training.logging.rows import MetricsRow, best_evaluation, is_evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Distinct for colour-blind readers too (Okabe and Ito).
TRAIN, TEST, RATE, INK, GRID = "#56a0d3", "#d55e00", "#009e73", "#333333", "#e3e3e3"

# A loss with a larger ratio of maximum to minimum has a log scale: on a linear one its later part would be flat.
MAX_LINEAR_RATIO = 10

# Lines with fewer points have markers, so that a single evaluation is visible too.
MIN_UNMARKED_POINTS = 25

FOOTNOTE = (
    "train: mean over the epoch's steps so far, as trained (augmentation, dropout, auxiliary losses)"
    "      test: all test images"
)


def draw_curves(rows: Sequence[MetricsRow], path: Path, title: str) -> None:
    """Write a PNG of the evaluations in `rows`, atomically. Raises ZooError if it cannot be written."""
    figure = curves_figure(rows, title)
    with replacing(path) as unfinished:
        figure.savefig(unfinished, format="png")


def curves_figure(rows: Sequence[MetricsRow], title: str) -> Figure:
    """Three panels over the epochs. A missing value, or one that is not finite, is a gap.

    Rows of logged steps are drawn as pale lines.
    """
    # The object interface has no windows and no global state.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 4), dpi=100, facecolor="white")
    loss, accuracy, rate = figure.subplots(1, 3)
    figure.subplots_adjust(left=0.05, right=0.985, top=0.81, bottom=0.19, wspace=0.18)
    fonts = fonts_for([title])
    if fonts.legend:
        warnings.warn(ZooWarning(f"a name is a number in the curves: {fonts.legend}"), stacklevel=2)
    style: dict[str, Any] = {"fontsize": 14, "weight": "bold", "color": INK, "fontfamily": fonts.families}
    figure.text(0.05, 0.925, fonts.legible(title), parse_math=False, **style)
    figure.text(0.05, 0.025, FOOTNOTE, fontsize=8.5, color="#777777")
    for axes, name in ((loss, "loss"), (accuracy, "accuracy"), (rate, "learning rate")):
        _style(axes, name)

    logged = [row for row in rows if not is_evaluation(row)]
    rows = [row for row in rows if is_evaluation(row)]
    for axes, name in ((loss, "loss"), (accuracy, "accuracy")) if logged else ():
        axes.plot(_column(logged, "epoch"), _column(logged, name), color=TRAIN, linewidth=0.8, alpha=0.4)
    _line(loss, rows, "loss", "train", TRAIN)
    _line(loss, rows, "test_loss", "test", TEST)
    _scale_loss(loss, _values([*rows, *logged], "loss") + _values(rows, "test_loss"))
    _line(accuracy, rows, "accuracy", "train", TRAIN)
    _line(accuracy, rows, "test_accuracy", "test", TEST)
    _mark_best(accuracy, rows)
    _line(rate, rows, "learning_rate", "", RATE)
    rate.set_ylim(bottom=0)
    for axes, location in ((loss, "upper right"), (accuracy, "lower right")):
        axes.legend(loc=location, frameon=False, fontsize=10, labelcolor=INK)
    _ticks(figure.axes, _values([*rows, *logged], "epoch"))
    return figure


def _values(rows: Sequence[MetricsRow], name: str) -> list[float]:
    """The finite values of a column."""
    return [value for value in _column(rows, name) if math.isfinite(value)]


def _column(rows: Sequence[MetricsRow], name: str) -> list[float]:
    values = [row.get(name) for row in rows]
    return [value if value is not None and math.isfinite(value) else math.nan for value in values]


def _style(axes: Axes, name: str) -> None:
    axes.set_title(name, loc="left", fontsize=11, color=INK)
    axes.set_xlabel("epoch", fontsize=9, color=INK)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, labelsize=9, length=0)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#aaaaaa")


def _line(axes: Axes, rows: Sequence[MetricsRow], name: str, label: str, colour: str) -> None:
    marker = "o" if len(rows) < MIN_UNMARKED_POINTS else None
    epochs, values = _column(rows, "epoch"), _column(rows, name)
    axes.plot(epochs, values, label=label, color=colour, linewidth=1.8, marker=marker, markersize=3.5)


def _scale_loss(axes: Axes, losses: list[float]) -> None:
    """A linear scale from zero, or a log scale, named in the title, for a large ratio of maximum to minimum."""
    if losses and min(losses) > 0 and max(losses) > MAX_LINEAR_RATIO * min(losses):
        axes.set_yscale("log")
        axes.set_title("loss (log scale)", loc="left", fontsize=11, color=INK)
        axes.grid(which="minor", color=GRID, linewidth=0.4)
        axes.tick_params(which="minor", length=0)
    else:
        axes.set_ylim(bottom=0)


def _mark_best(axes: Axes, rows: Sequence[MetricsRow]) -> None:
    """A ring around the best test accuracy, which is named in the title."""
    best = best_evaluation(rows)
    if best is None:
        axes.set_ylim(0, 1)
        return
    accuracy, epoch = cast(float, best["test_accuracy"]), cast(float, best["epoch"])
    axes.plot([epoch], [accuracy], marker="o", markersize=9, markerfacecolor="none", color=TEST, linestyle="none")
    text = f"test {_values(rows, 'test_accuracy')[-1]:.4f}, best {accuracy:.4f} (epoch {epoch:.4g})"
    axes.set_title(text, loc="right", fontsize=9.5, color=TEST)


def _ticks(panels: Sequence[Axes], epochs: list[float]) -> None:
    """Ticks at whole epochs, from 0, and few on the y axis."""
    from matplotlib.ticker import MaxNLocator

    for axes in panels:
        axes.set_xlim(0, max([*epochs, 1]) * 1.03)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, steps=[1, 2, 5, 10]))
        if axes.get_yscale() == "linear":
            axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
