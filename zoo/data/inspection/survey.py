"""What is in a data set, from looking at a bounded part of it."""

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from zoo.data.class_counts import class_counts, imbalance
from zoo.data.dataset import Dataset, Source
from zoo.data.errors import DataError
from zoo.data.inspection.copies import FoundCopies, find_copies
from zoo.data.inspection.image_index import class_of, evenly_spaced, name_of
from zoo.data.inspection.look import LookedAt, look_at
from zoo.data.known_labels import known_labels
from zoo.printable import printable


@dataclass(frozen=True)
class Effort:
    """How much of a data set is looked at: images whose pixels are decoded, or whose headers are read if not `decode`;
    images that are compared with others, and the bytes that are read for that; images that are read for their labels.
    """

    looked_at: float
    decode: bool
    compared: float
    compared_bytes: float
    labels: float


# A minute or two on a laptop, however large the data set is; a second or two before a run; and no limit.
USUAL = Effort(looked_at=2000, decode=True, compared=100_000, compared_bytes=4e9, labels=100_000)
BRIEF = Effort(looked_at=64, decode=False, compared=20_000, compared_bytes=1e8, labels=5000)
COMPLETE = Effort(looked_at=math.inf, decode=True, compared=math.inf, compared_bytes=math.inf, labels=math.inf)


@dataclass(frozen=True, kw_only=True)
class ClassImages:
    """A class, and how many images it has for training and for testing; None where they were not counted."""

    name: str
    training: int | None
    test: int | None


@dataclass(frozen=True, kw_only=True)
class Copies:
    """Images with the same contents: their names, their splits, and the names of their classes."""

    images: tuple[str, ...]
    splits: tuple[str, ...]
    classes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, repr=False)
class Survey:
    """What is in a data set. `compared` images were compared, and `copies` are groups of equal ones.

    `folder` is its path, "" for data that are in no folder of the user's.
    """

    name: str
    folder: str
    split: str
    training: int
    test: int
    classes: tuple[ClassImages, ...]
    looked_at: LookedAt
    compared: int
    copies: tuple[Copies, ...]
    left_out: str

    @property
    def total(self) -> int:
        """The images of both splits."""
        return self.training + self.test

    @property
    def training_counts(self) -> tuple[int, ...] | None:
        """How many training images each class has; None where they were not counted."""
        counts = tuple(row.training for row in self.classes if row.training is not None)
        return counts if len(counts) == len(self.classes) else None

    @property
    def imbalance(self) -> float:
        """How many times as large the largest class is as the smallest with training images; 1 if not counted."""
        return imbalance(self.training_counts or ())

    @property
    def leaked(self) -> tuple[Copies, ...]:
        """Groups with images of both splits: what is tested was learned."""
        return tuple(group for group in self.copies if len(set(group.splits)) > 1)

    @property
    def contradictory(self) -> tuple[Copies, ...]:
        """Groups with the same image in several classes."""
        return tuple(group for group in self.copies if len(set(group.classes)) > 1)

    def __repr__(self) -> str:
        unreadable = f"{len(self.looked_at.unreadable)} of {self.looked_at.images:,} unreadable"
        return (
            f"Survey({self.name}: {self.training:,} training and {self.test:,} test images, {len(self.classes):,} "
            f"classes, {unreadable}, {len(self.copies)} of {self.compared:,} with copies)"
        )

    def to_json(self) -> dict[str, Any]:
        """The survey as JSON values."""
        return {**asdict(self), "imbalance": self.imbalance}


def survey(dataset: Dataset, effort: Effort = USUAL) -> Survey:
    """Look at a data set, as much as `effort` allows; images that cannot be read are in the result."""
    training, test = (_counts(source, dataset, effort) for source in (dataset.train, dataset.test))
    looked_at = look_at(dataset, evenly_spaced(dataset, effort.looked_at), decode=effort.decode)
    found = find_copies(dataset, max_images=effort.compared, max_bytes=effort.compared_bytes)
    return Survey(
        name=dataset.name,
        folder=printable(dataset.place.path) if dataset.place.kind == "folder" else "",
        split=dataset.split,
        training=len(dataset.train),
        test=len(dataset.test),
        classes=tuple(
            ClassImages(name=name, training=in_training, test=in_test)
            for name, in_training, in_test in zip(dataset.class_names, training, test, strict=True)
        ),
        looked_at=looked_at,
        compared=found.compared,
        copies=_named(dataset, found),
        left_out=dataset.left_out,
    )


def _counts(source: Source, dataset: Dataset, effort: Effort) -> Sequence[int | None]:
    """The images of each class; None for all where too many would have to be read for it, or one cannot be.

    They are read only where that does not decode them.
    """
    classes = len(dataset.class_names)
    if known_labels(source) is not None or (hasattr(source, "label") and len(source) <= effort.labels):
        with suppress(DataError):
            return class_counts(source, classes)
    return (None,) * classes


def _named(dataset: Dataset, found: FoundCopies) -> tuple[Copies, ...]:
    return tuple(
        Copies(
            images=tuple(name_of(dataset, image) for image in group),
            splits=tuple(image.split for image in group),
            classes=tuple(class_of(dataset, image) for image in group),
        )
        for group in found.groups
    )
