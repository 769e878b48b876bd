"""How many examples of each class a source has."""

import numpy as np

from zoo.data.dataset import Source
from zoo.data.known_labels import known_labels, label_counts


def label_of(source: Source, index: int) -> int:
    """The label of an example, without decoding its image where the source can. Raises DataError as the source does."""
    labels, label = getattr(source, "labels", None), getattr(source, "label", None)
    if labels is not None:
        return labels[index]
    return label(index) if label else source[index]["label"]


def class_counts(source: Source, classes: int) -> tuple[int, ...]:
    """How many examples of each class there are, 0 to classes - 1; other labels do not count.

    Reads all examples where the source does not know their labels. Raises DataError for one that cannot be read.
    """
    labels = known_labels(source)
    if labels is None:
        labels = np.array([label_of(source, index) for index in range(len(source))], np.int64)
    return label_counts(labels, classes)


def imbalance(counts: tuple[int, ...]) -> float:
    """How many times as many examples the largest class has as the smallest one that has any; 1 without examples."""
    present = [count for count in counts if count]
    return max(present) / min(present) if present else 1.0
