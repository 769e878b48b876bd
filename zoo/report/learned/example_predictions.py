"""The classes that the network predicts for the example images."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import numpy as np

from zoo.inference.prediction import output_names
from zoo.report.learned.example_images import IMAGE_SIZE, ExampleImages
from zoo.report.page_image import PageImage, embed_image
from zoo.visualize.network_and_images import TrainedNetwork

TOP_CLASSES = 5


@dataclass(frozen=True)
class ClassProbability:
    """A class, its probability 0..1, and whether it is the true class."""

    class_name: str
    probability: float
    is_true: bool


@dataclass(frozen=True)
class ExamplePrediction:
    """An image and its most probable classes, the most probable first; `true_class` is "" if it is unknown."""

    name: str
    image: PageImage
    true_class: str
    classes: tuple[ClassProbability, ...]

    @property
    def is_correct(self) -> bool:
        """Whether the most probable class is the true one."""
        return self.classes[0].is_true


def predict_examples(
    trained: TrainedNetwork, examples: ExampleImages, label_names: Sequence[str] | None
) -> tuple[ExamplePrediction, ...]:
    """The predictions for all examples; none for a network without classifier.

    `label_names` are the names of the images' labels, None if the labels are not the network's classes.
    """
    if not trained.model.num_classes:
        return ()
    names = label_names or output_names(trained.weights)
    probabilities = np.asarray(jax.nn.softmax(examples.logits))
    labels = examples.labels if label_names else [-1] * len(examples.images)
    return tuple(
        ExamplePrediction(
            name=name,
            image=embed_image(image, f"{name}, as the network gets it", max_side=IMAGE_SIZE),
            true_class=names[label] if label >= 0 else "",
            classes=_most_probable_classes(names, of_image, label),
        )
        for name, image, label, of_image in zip(examples.names, examples.images, labels, probabilities, strict=True)
    )


def _most_probable_classes(names: Sequence[str], probabilities: np.ndarray, label: int) -> tuple[ClassProbability, ...]:
    best = np.argsort(-probabilities, kind="stable")[:TOP_CLASSES].tolist()
    return tuple(ClassProbability(names[index], float(probabilities[index]), index == label) for index in best)
