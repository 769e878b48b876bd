"""The result of an evaluation: accuracies, results per class, the confusion matrix, and calibration."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from zoo.inference.calibration import CalibrationBin, calibration_bins, expected_calibration_error
from zoo.inference.real_labels import RealAccuracy
from zoo.runtime.html_tables import html_table

# Of a table of the classes' results, and which of its columns are flush left.
RESULT_TITLES = ("class", "images", "accuracy", "most often mistaken for")
RESULT_LEFT = (True, False, False, True)


@dataclass(frozen=True)
class ClassResult:
    """The result of one class: its number of images and their accuracy, 0 to 1 (None without images).

    `mistaken_for` is the most frequent wrong prediction, None where there is none; `mistakes` is its number of images.
    """

    name: str
    images: int
    accuracy: float | None
    mistaken_for: str | None
    mistakes: int

    def cells(self) -> list[str]:
        """The row of a table with `RESULT_TITLES`."""
        accuracy = "" if self.accuracy is None else f"{self.accuracy:.3f}"
        mistake = f"{self.mistaken_for} ({self.mistakes})" if self.mistakes else ""
        return [self.name, str(self.images), accuracy, mistake]


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """The result on a test set. `confusion` is int [true class, predicted class], the numbers of images.

    Accuracies are 0 to 1; `top5_accuracy` is None for five classes or fewer. `confidence` is the probability of the
    predicted class, float [images], and `correct`, bool [images], whether that is the true class. `real` is the
    accuracy by ReaL labels, if they were given. `images_per_second` is without the first batch, which compiles; None
    where there was no other. `networks` and `views` are how many were averaged.
    """

    class_names: tuple[str, ...]
    confusion: np.ndarray
    top5_accuracy: float | None
    confidence: np.ndarray = field(default_factory=lambda: np.zeros(0))
    correct: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    real: RealAccuracy | None = None
    images_per_second: float | None = None
    networks: int = 1
    views: int = 1

    def __repr__(self) -> str:
        top5 = "" if self.top5_accuracy is None else f", top-5 {self.top5_accuracy:.4f}"
        return (
            f"Evaluation({self.images:,} images, {len(self.class_names):,} classes: "
            f"top-1 accuracy {self.top1_accuracy:.4f}{top5})"
        )

    def _repr_html_(self) -> str:
        """For notebooks: with a row per class."""
        return html_table(RESULT_TITLES, [row.cells() for row in self.per_class()], RESULT_LEFT, caption=repr(self))

    @property
    def images(self) -> int:
        """The number of images in the test set."""
        return int(self.confusion.sum())

    @property
    def top1_accuracy(self) -> float:
        """The fraction of images whose most probable class is the true class."""
        return int(self.confusion.trace()) / self.images

    @property
    def calibration(self) -> tuple[CalibrationBin, ...]:
        """15 bins of confidence, of equal width."""
        return calibration_bins(self.confidence, self.correct)

    @property
    def calibration_error(self) -> float:
        """The expected calibration error, of these bins."""
        return expected_calibration_error(self.calibration)

    def per_class(self) -> list[ClassResult]:
        """One result per class, in the order of the classes."""
        return [self._class_result(index) for index in range(len(self.class_names))]

    def to_json(self) -> dict[str, Any]:
        """The evaluation as JSON values."""
        return {
            "images": self.images,
            "top1_accuracy": self.top1_accuracy,
            "top5_accuracy": self.top5_accuracy,
            "real_accuracy": self.real.accuracy if self.real else None,
            "real_images": self.real.images if self.real else None,
            "calibration_error": self.calibration_error,
            "calibration": [asdict(one) for one in self.calibration],
            "networks": self.networks,
            "views": self.views,
            "images_per_second": self.images_per_second,
            "classes": [asdict(row) for row in self.per_class()],
            "confusion": self.confusion.tolist(),
        }

    def _class_result(self, index: int) -> ClassResult:
        taken_for = self.confusion[index]
        images, right = int(taken_for.sum()), int(taken_for[index])
        wrong = np.where(np.arange(len(taken_for)) == index, 0, taken_for)
        worst = int(wrong.argmax())
        return ClassResult(
            name=self.class_names[index],
            images=images,
            accuracy=right / images if images else None,
            mistaken_for=self.class_names[worst] if wrong[worst] else None,
            mistakes=int(wrong[worst]),
        )
