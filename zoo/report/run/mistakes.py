"""The most confident mistakes: images with a wrong and very probable prediction."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.report.learned.activation_survey import PredictedClasses
from zoo.report.page_image import PageImage, embed_image
from zoo.visualize.network_and_images import ImageSet, TrainedNetwork, index_in_data_set

MAX_MISTAKES = 12
# The largest side of an image, in pixels.
IMAGE_SIZE = 128


@dataclass(frozen=True)
class Mistake:
    """An image by its number in the data set, its true class, and the predicted class with its probability 0..1."""

    number: int
    image: PageImage
    true_class: str
    predicted_class: str
    probability: float


def most_confident_mistakes(
    trained: TrainedNetwork, image_set: ImageSet, predicted: PredictedClasses, class_names: Sequence[str]
) -> tuple[Mistake, ...]:
    """Up to twelve wrong predictions, the most probable first; images of unknown class are left out."""
    wrong = np.flatnonzero((predicted.labels >= 0) & (predicted.classes[:, 0] != predicted.labels))
    order = np.argsort(-predicted.probabilities[wrong, 0], kind="stable")
    mistakes = []
    for index in wrong[order][:MAX_MISTAKES].tolist():
        pixels = trained.weights.preprocessing.fitted(image_set.source[index]["image"])
        number = index_in_data_set(image_set.source, index)
        true_class = class_names[predicted.labels[index]]
        predicted_class = class_names[predicted.classes[index, 0]]
        alt = f"Image {number} of class {true_class}, predicted as {predicted_class}"
        mistakes.append(
            Mistake(
                number=number,
                image=embed_image(pixels, alt, max_side=IMAGE_SIZE),
                true_class=true_class,
                predicted_class=predicted_class,
                probability=float(predicted.probabilities[index, 0]),
            )
        )
    return tuple(mistakes)
