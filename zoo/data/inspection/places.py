"""The images of both splits of a data set, as one sequence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from zoo.data.class_counts import label_of
from zoo.data.dataset import Dataset, Source
from zoo.printable import printable

Split = Literal["training", "test"]


@dataclass(frozen=True)
class Place:
    """An image of a data set: its split, and its index there."""

    split: Split
    index: int


def source_at(dataset: Dataset, place: Place) -> Source:
    """The split that the image is in."""
    return dataset.train if place.split == "training" else dataset.test


def name_at(dataset: Dataset, place: Place) -> str:
    """The image's file below its folder, else its number in the split."""
    files: Sequence[str] | None = getattr(source_at(dataset, place), "files", None)
    return printable(files[place.index]) if files else f"{place.split} image {place.index}"


def evenly_spaced(dataset: Dataset, limit: float) -> list[Place]:
    """At most `limit` images, evenly spaced over both splits: all, if these are not more."""
    training, total = len(dataset.train), len(dataset.train) + len(dataset.test)
    count = int(min(total, limit))
    positions = (number * total // count for number in range(count))
    return [
        Place("training", position) if position < training else Place("test", position - training)
        for position in positions
    ]


def class_at(dataset: Dataset, place: Place) -> str:
    """The name of the image's class; its label where that is none of the classes."""
    label = label_of(source_at(dataset, place), place.index)
    return dataset.class_names[int(label)] if 0 <= label < len(dataset.class_names) else str(label)
