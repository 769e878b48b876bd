"""Which classes a network confuses: a table with shaded cells, and the most confused pairs of classes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.report.learned.activation_survey import PredictedClasses

# A table of more classes cannot be read.
MAX_TABLE_CLASSES = 30
MAX_PAIRS = 12
# Column heads of at most this many characters are not rotated.
MAX_UPRIGHT_LENGTH = 3


@dataclass(frozen=True)
class ConfusionCell:
    """How many images of one class are predicted as another, and their fraction of the class's images."""

    images: int
    fraction: float

    @property
    def shade(self) -> float:
        """0 to 1: the square root of the fraction, so that small fractions are visible too."""
        return math.sqrt(self.fraction)


@dataclass(frozen=True)
class ConfusionRow:
    """A true class: its images, its accuracy (None without images), and a cell per predicted class."""

    name: str
    images: int
    accuracy: float | None
    cells: tuple[ConfusionCell, ...]


@dataclass(frozen=True)
class ConfusedPair:
    """How many of a class's images are predicted as one other class."""

    true_class: str
    predicted_class: str
    images: int
    class_images: int


@dataclass(frozen=True)
class ConfusionTable:
    """`rows` are empty if there are too many classes; `pairs` are the most confused classes, the worst first."""

    class_names: tuple[str, ...]
    images: int
    correct: int
    rows: tuple[ConfusionRow, ...]
    pairs: tuple[ConfusedPair, ...]

    @property
    def upright(self) -> bool:
        """Whether all names are short enough for upright column heads."""
        return max(map(len, self.class_names)) <= MAX_UPRIGHT_LENGTH


def confusion_counts(predicted: PredictedClasses, classes: int) -> np.ndarray:
    """Images as int [true class, predicted class]; images of unknown class are not counted."""
    counts = np.zeros((classes, classes), np.int64)
    known = predicted.labels >= 0
    np.add.at(counts, (predicted.labels[known], predicted.classes[known, 0]), 1)
    return counts


def make_confusion_table(counts: np.ndarray, class_names: Sequence[str]) -> ConfusionTable:
    """The table of counts [true class, predicted class]."""
    totals = counts.sum(axis=1)
    return ConfusionTable(
        class_names=tuple(class_names),
        images=int(totals.sum()),
        correct=int(counts.trace()),
        rows=_rows(counts, totals, class_names) if len(class_names) <= MAX_TABLE_CLASSES else (),
        pairs=_most_confused(counts, totals, class_names),
    )


def _rows(counts: np.ndarray, totals: np.ndarray, class_names: Sequence[str]) -> tuple[ConfusionRow, ...]:
    fractions = counts / np.maximum(totals, 1)[:, None]
    return tuple(
        ConfusionRow(
            name=name,
            images=int(totals[index]),
            accuracy=float(fractions[index, index]) if totals[index] else None,
            cells=tuple(map(ConfusionCell, counts[index].tolist(), fractions[index].tolist())),
        )
        for index, name in enumerate(class_names)
    )


def _most_confused(counts: np.ndarray, totals: np.ndarray, class_names: Sequence[str]) -> tuple[ConfusedPair, ...]:
    wrong = np.where(np.eye(len(counts), dtype=bool), 0, counts)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MAX_PAIRS]
    return tuple(
        ConfusedPair(class_names[true], class_names[predicted], int(wrong[true, predicted]), int(totals[true]))
        for true, predicted in zip(*np.unravel_index(order, wrong.shape), strict=True)
        if wrong[true, predicted]
    )
