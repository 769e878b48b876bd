"""An open data set: two random-access sources and the class names."""

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Protocol, TypedDict

import numpy as np

from zoo.data.origin import DataOrigin
from zoo.printable import printable_names

LONGEST_NAME = 200
# Where a source splits what it is given without splits.
EVERY_FIFTH = "every fifth image of each class is for testing"


class Example(TypedDict):
    """One image, uint8 [height, width, 1 or 3], and its class."""

    image: np.ndarray
    label: int


class Source(Protocol):
    """Random access to examples. Reading a damaged example raises DataError."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Example: ...


@dataclass(frozen=True, repr=False)
class Dataset:
    """A data set of labelled images. `name` is safe in a path; `class_names` are in the order of the labels, and shown
    as by `printable`; `image_shape` (height, width, channels) is typical of the training images, from a sample of them.
    `left_out` is a line about the files of a folder that are not used, "" if there are none. `place` says where the
    data set comes from, without its splits. `split` says in words what decides which images are for testing. `reading`
    is a line that says why images in random order are slow to read, and what to do; "" if they are not.
    """

    name: str
    train: Source
    test: Source
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    left_out: str = ""
    place: DataOrigin = field(default_factory=lambda: DataOrigin(kind="arrays"))
    split: str = "as given"
    reading: str = ""

    @property
    def origin(self) -> DataOrigin:
        """Where it comes from and what is in it, which a run remembers."""
        return self.place.with_splits(self.train, self.test, len(self.class_names))

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_names", printable_names(self.class_names))

    def __repr__(self) -> str:
        size = "x".join(map(str, self.image_shape))
        return (
            f"Dataset({self.name}: {len(self.train):,} training and {len(self.test):,} test images, "
            f"{len(self.class_names):,} classes, {size})"
        )


@dataclass(frozen=True, repr=False)
class ArraySource:
    """Examples held in memory: images uint8 [n, height, width, channels], labels int [n]."""

    images: np.ndarray
    labels: np.ndarray

    def __repr__(self) -> str:
        return f"ArraySource({len(self):,} images)"

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> Example:
        return {"image": self.images[index], "label": self.labels[index].item()}

    def image_shape(self, index: int) -> tuple[int, int, int]:
        """(height, width, channels) of an image, the same of all."""
        return self.images.shape[1:]

    def label(self, index: int) -> int:
        """The class of an example."""
        return int(self.labels[index])


class FittedSource(ArraySource):
    """Examples in memory whose images have the shape that a network takes already, and are not cropped again."""


def path_safe(name: str) -> str:
    """The name with dashes for all but letters of any script, digits, dot, dash and underscore.

    It is cut to LONGEST_NAME bytes, to be part of the name of a folder.
    """
    safe = re.sub(r"[^\w.-]+", "-", unicodedata.normalize("NFC", name))
    return safe.encode()[:LONGEST_NAME].decode(errors="ignore").strip("-.") or "data"
