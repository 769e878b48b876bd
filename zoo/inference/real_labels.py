"""ReaL labels of ImageNet's validation images: all classes that are in each (Beyer et al. 2020, arXiv:2006.07159)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.data import Source
from zoo.errors import ZooError
from zoo.runtime.records import as_record, parse_json
from zoo.runtime.regular_file import read_regular

RealLabels = Sequence[Sequence[int]]
OUTPUTS = 1000
VALIDATION_NAME = re.compile(r"ILSVRC2012_val_(\d{8})(?!\d)")


@dataclass(frozen=True)
class RealAccuracy:
    """The share of images whose most probable class is one of their labels, of the `images` that have any."""

    accuracy: float
    images: int


def read_real_labels(path: Path) -> tuple[tuple[int, ...], ...]:
    """The labels in a file such as `real.json` of the authors: of each validation image, in the order of their names.

    Raises ZooError for a file that is no list of lists of numbers from 0 to 999.
    """
    labels = as_record(parse_json(read_regular(path), str(path)), tuple[tuple[int, ...], ...], str(path))
    if not labels or not all(0 <= label < OUTPUTS for row in labels for label in row):
        raise ZooError(f"{path} has no list of labels from 0 to {OUTPUTS - 1} for each image: give real.json of ReaL")
    return labels


def validation_numbers(source: Source, labels: RealLabels) -> np.ndarray:
    """int [n]: the place among the labels of each image of the source, by its name ILSVRC2012_val_00000001 and so on.

    Raises ZooError where an image has no such name, or no labels.
    """
    files = getattr(source, "files", None)
    if files is None:
        raise ZooError("ReaL labels are for images with the names of ImageNet's validation images: give them as files")
    found = [VALIDATION_NAME.search(file) for file in files]
    if None in found:
        raise ZooError(
            f"{files[found.index(None)]} is not named as ImageNet's validation images are, which ReaL labels need"
        )
    numbers = np.array([int(match[1]) for match in found if match]) - 1
    if numbers.max() >= len(labels) or numbers.min() < 0:
        raise ZooError(f"there are ReaL labels of {len(labels):,} images, and none of {files[int(numbers.argmax())]}")
    return numbers


def real_accuracy(predicted: np.ndarray, numbers: np.ndarray, labels: RealLabels) -> RealAccuracy:
    """The accuracy of the predicted outputs, int [n], of the images of these numbers.

    Raises ZooError where none of them has a label.
    """
    answers = [(output, set(labels[number])) for output, number in zip(predicted, numbers, strict=True)]
    right = [int(output) in known for output, known in answers if known]
    if not right:
        raise ZooError("none of the images has a ReaL label: give the labels of these images, or leave them out")
    return RealAccuracy(accuracy=sum(right) / len(right), images=len(right))
