"""Whether a network's confidence is its accuracy (Guo et al. 2017, arXiv:1706.04599)."""

from dataclasses import dataclass

import numpy as np

BINS = 15


@dataclass(frozen=True)
class CalibrationBin:
    """The images whose confidence, the probability of the predicted class, is above `low` and at most `high`.

    `confidence` is its mean and `accuracy` the share that is right, both 0 without images.
    """

    low: float
    high: float
    images: int
    confidence: float
    accuracy: float


def calibration_bins(confidence: np.ndarray, correct: np.ndarray, bins: int = BINS) -> tuple[CalibrationBin, ...]:
    """Bins of equal width. `confidence` is float [images] in 0..1, `correct` bool [images]."""
    edges = np.linspace(0, 1, bins + 1)
    which = np.clip(np.digitize(confidence, edges, right=True) - 1, 0, bins - 1)
    images = np.bincount(which, minlength=bins)
    sums = [np.bincount(which, weights=np.asarray(values, float), minlength=bins) for values in (confidence, correct)]
    means = [total / np.maximum(images, 1) for total in sums]
    rows = zip(edges, edges[1:], images, *means, strict=False)
    return tuple(CalibrationBin(float(a), float(b), int(n), float(mean), float(right)) for a, b, n, mean, right in rows)


def expected_calibration_error(bins: tuple[CalibrationBin, ...]) -> float:
    """The difference between confidence and accuracy of a bin, averaged over the images; 0 without images."""
    images = sum(one.images for one in bins)
    return sum(one.images * abs(one.accuracy - one.confidence) for one in bins) / images if images else 0.0
