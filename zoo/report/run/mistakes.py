"""The most confident mistakes: images that a network names wrongly, and is sure of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.report.html.raster import Raster, raster
from zoo.report.learned.activation_survey import Answers
from zoo.visualize.network_and_images import ImageSet, TrainedNetwork, index_in_data_set

SHOWN = 12
# Pixels a side that an image has at most.
IMAGE = 128


@dataclass(frozen=True)
class Mistake:
    """An image by its number in the data set, its class, and the class that is said, held to be so probable, 0 to 1."""

    number: int
    raster: Raster
    truth: str
    said: str
    probability: float


def mistakes(
    subject: TrainedNetwork, pictures: ImageSet, answers: Answers, class_names: Sequence[str]
) -> tuple[Mistake, ...]:
    """The most probable wrong answers, that first; images of unknown class are left out."""
    wrong = np.flatnonzero((answers.labels >= 0) & (answers.classes[:, 0] != answers.labels))
    chosen = wrong[np.argsort(-answers.probabilities[wrong, 0], kind="stable")][:SHOWN]
    return tuple(_mistake(subject, pictures, answers, class_names, index) for index in chosen.tolist())


def _mistake(
    subject: TrainedNetwork, pictures: ImageSet, answers: Answers, class_names: Sequence[str], index: int
) -> Mistake:
    image = subject.weights.preprocessing.fitted(pictures.source[index]["image"])
    truth, said = class_names[answers.labels[index]], class_names[answers.classes[index, 0]]
    number = index_in_data_set(pictures.source, index)
    alt = f"Image {number}, of class {truth}, taken for {said}"
    return Mistake(number, raster(image, alt, most=IMAGE), truth, said, float(answers.probabilities[index, 0]))
