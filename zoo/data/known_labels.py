"""The labels of a source that has them in memory, and how many there are of each class."""

import numpy as np


def known_labels(source: object) -> np.ndarray | None:
    """The labels of all examples, int [n]; None where the source would have to read its examples for them."""
    labels = getattr(source, "labels", None)
    return None if labels is None else np.asarray(labels)


def label_counts(labels: np.ndarray, classes: int) -> tuple[int, ...]:
    """How many labels each class has, from 0 to classes - 1; other labels do not count."""
    inside = labels[(labels >= 0) & (labels < classes)].astype(np.int64)
    return tuple(np.bincount(inside, minlength=classes).tolist())
