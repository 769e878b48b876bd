"""The images of both splits of a data set, as one sequence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from zoo.data.class_counts import label_of
from zoo.data.dataset import Dataset, Source
from zoo.data.evenly_spaced import evenly_spaced_indices
from zoo.printable import printable

Split = Literal["training", "test"]


@dataclass(frozen=True)
class ImageIndex:
    """An image of a data set: its split, and its index there."""

    split: Split
    index: int


def source_of(dataset: Dataset, image: ImageIndex) -> Source:
    """The split that the image is in."""
    return dataset.train if image.split == "training" else dataset.test


def name_of(dataset: Dataset, image: ImageIndex) -> str:
    """The image's file below its folder, else its number in the split."""
    files: Sequence[str] | None = getattr(source_of(dataset, image), "files", None)
    return printable(files[image.index]) if files else f"{image.split} image {image.index}"


def evenly_spaced(dataset: Dataset, limit: float) -> list[ImageIndex]:
    """At most `limit` images, evenly spaced over both splits: all, if these are not more."""
    training = len(dataset.train)
    return [
        ImageIndex("training", index) if index < training else ImageIndex("test", index - training)
        for index in evenly_spaced_indices(training + len(dataset.test), limit)
    ]


def class_of(dataset: Dataset, image: ImageIndex) -> str:
    """The name of the image's class; its label where that is none of the classes."""
    label = label_of(source_of(dataset, image), image.index)
    return dataset.class_names[int(label)] if 0 <= label < len(dataset.class_names) else str(label)
