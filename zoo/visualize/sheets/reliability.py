"""A reliability diagram: the accuracy of images by how confident the network is, with matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zoo.inference.calibration import CalibrationBin, expected_calibration_error
from zoo.visualize.sheets.figure_file import write_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save_reliability(path: Path, bins: tuple[CalibrationBin, ...]) -> None:
    """Write a reliability diagram of these bins, in the format of the path's suffix.

    Raises ZooError if it cannot be written.
    """
    write_figure(path, lambda: reliability_figure(bins))


def reliability_figure(bins: tuple[CalibrationBin, ...]) -> Figure:
    """Accuracy by confidence, the gap between them, and below how many images have that confidence."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 6.5), dpi=120)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    seen = [one for one in bins if one.images]
    centers, width = [(one.low + one.high) / 2 for one in seen], bins[0].high - bins[0].low
    accuracy, confidence = [one.accuracy for one in seen], [one.confidence for one in seen]
    gaps = [sure - right for sure, right in zip(confidence, accuracy, strict=True)]
    upper.bar(centers, accuracy, width, color="tab:blue", edgecolor="white", label="accuracy")
    upper.bar(
        centers, gaps, width, accuracy, color="tab:red", alpha=0.35, edgecolor="tab:red", label="gap to confidence"
    )
    upper.plot([0, 1], [0, 1], color="black", linestyle="--", linewidth=1, label="calibrated")
    upper.set(
        ylabel="accuracy", ylim=(0, 1), title=f"expected calibration error {expected_calibration_error(bins):.4f}"
    )
    upper.legend(loc="upper left")
    images = sum(one.images for one in seen)
    lower.bar(centers, [one.images / images for one in seen], width, color="tab:gray", edgecolor="white")
    lower.set(xlabel="confidence", ylabel="share of images", xlim=(0, 1))
    return figure
