"""What a network takes for what: a table with shaded cells, and of many classes the pairs that it confuses most."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.report.learned.activation_survey import Answers

# Of more classes a table cannot be read.
MOST_CLASSES = 30
PAIRS = 12
# Characters.
SHORT = 3


@dataclass(frozen=True)
class Cell:
    """Images of one class that are named as another, and their share of the class's images."""

    images: int
    share: float

    @property
    def shade(self) -> float:
        """0 to 1, the root of the share, that few images are seen too."""
        return math.sqrt(self.share)


@dataclass(frozen=True)
class Row:
    """A true class: its images, which share is named rightly (None without images), and a cell a named class."""

    name: str
    images: int
    accuracy: float | None
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Pair:
    """Images of a class that are named as one other, of how many of the class."""

    truth: str
    said: str
    images: int
    of: int


@dataclass(frozen=True)
class Confusion:
    """`rows` are empty where there are too many classes for a table; `pairs` the most confused, that first."""

    class_names: tuple[str, ...]
    images: int
    right: int
    rows: tuple[Row, ...]
    pairs: tuple[Pair, ...]

    @property
    def upright(self) -> bool:
        """Whether the names are so short that columns are wide enough for them, as numbers are."""
        return max(map(len, self.class_names)) <= SHORT


def confusion_counts(answers: Answers, classes: int) -> np.ndarray:
    """int [true class, named class]: images; those of unknown class are left out."""
    counts = np.zeros((classes, classes), np.int64)
    known = answers.labels >= 0
    np.add.at(counts, (answers.labels[known], answers.classes[known, 0]), 1)
    return counts


def confusion(counts: np.ndarray, class_names: Sequence[str]) -> Confusion:
    """Of [true class, named class] counts."""
    totals = counts.sum(axis=1)
    shares = counts / np.maximum(totals, 1)[:, None]
    rows = (
        Row(
            name,
            int(totals[truth]),
            float(shares[truth, truth]) if totals[truth] else None,
            tuple(Cell(int(images), float(share)) for images, share in zip(counts[truth], shares[truth], strict=True)),
        )
        for truth, name in enumerate(class_names)
    )
    wrong = np.where(np.eye(len(counts), dtype=bool), 0, counts)
    order = np.argsort(-wrong, axis=None, kind="stable")[:PAIRS]
    pairs = (
        Pair(class_names[truth], class_names[said], int(wrong[truth, said]), int(totals[truth]))
        for truth, said in zip(*np.unravel_index(order, wrong.shape), strict=True)
        if wrong[truth, said]
    )
    return Confusion(
        tuple(class_names),
        int(totals.sum()),
        int(counts.trace()),
        tuple(rows) if len(class_names) <= MOST_CLASSES else (),
        tuple(pairs),
    )
