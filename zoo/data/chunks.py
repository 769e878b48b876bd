"""Chunks: the parts of a batch that are read at a time, each by one thread or process.

What is in a chunk depends on its number alone. So batches are the same whoever reads them, and whatever came before.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np

from zoo.data.cropping import read_example
from zoo.data.crops import RandomCrops
from zoo.data.dataset import Example, FittedSource, Source
from zoo.data.errors import DataError
from zoo.data.fitting import with_channels
from zoo.data.preprocessing import Preprocessing
from zoo.data.unreadable import UnreadableImages, replace_unreadable


class Chunk(TypedDict):
    """Images uint8 [n, height, width, channel], their labels int32 [n], and what was wrong with those left out.

    `error` is that of an image that may not be left out; then there are no images.
    """

    image: np.ndarray
    label: np.ndarray
    unreadable: tuple[DataError, ...]
    error: DataError | None


@dataclass(frozen=True, kw_only=True)
class ChunkPlan:
    """Which examples are in a chunk.

    Of each batch of `batch_size` the process with the number `process` reads one of `processes` equal parts of the
    rows, in `chunks` chunks. An epoch has `batches` batches of `images` examples, of which with `repeats` each is taken
    so often in a row, and the last ones are not.
    """

    images: int
    batches: int
    batch_size: int
    process: int
    processes: int
    chunks: int
    repeats: int = 1

    @property
    def rows(self) -> int:
        """How many rows of each batch the process reads."""
        return self.batch_size // self.processes

    def places(self, chunk: int) -> Iterator[tuple[int, int]]:
        """Of each example its place in the run, and in the order of the examples; none beyond the last of an epoch."""
        batch, part = divmod(chunk, self.chunks)
        epoch, batch_in_epoch = divmod(batch, self.batches)
        first = self.process * self.rows
        for row in range(part * self.rows // self.chunks, (part + 1) * self.rows // self.chunks):
            position = batch_in_epoch * self.batch_size + first + row
            if position < self.images:
                yield batch * self.batch_size + first + row, epoch * self.images + position // self.repeats


@dataclass(frozen=True, kw_only=True)
class ChunkReader:
    """Random access to every `stride`-th chunk from `first` to before `end`. `order` has the examples' indices.

    With `crops` each image is a random crop, else the centre. With `replacing` the next image takes the place of one
    that cannot be read, else that is left out; `limit` and `flag` are those of UnreadableImages. With `classes` a label
    that is not one of so many is a DataError.
    """

    source: Source
    preprocessing: Preprocessing
    plan: ChunkPlan
    order: Sequence[int]
    end: int
    first: int = 0
    stride: int = 1
    crops: RandomCrops | None = None
    classes: int | None = None
    replacing: bool = True
    limit: int = 0
    flag: str = ""

    def __len__(self) -> int:
        return len(range(self.first, self.end, self.stride))

    def __getitem__(self, number: int) -> Chunk:
        places = list(self.plan.places(self.first + number * self.stride))
        images = np.zeros((len(places), *self.preprocessing.image_shape), np.uint8)
        labels, row, found = np.zeros(len(places), np.int32), 0, UnreadableImages(self.limit, self.flag)
        source = replace_unreadable(self.source, found) if self.replacing else self.source
        try:
            for place, position in places:
                index = int(self.order[position])
                try:
                    example = self._read(source, index, place)
                except DataError as error:
                    if self.replacing:
                        raise
                    found.add(error)
                    continue
                if self.classes is not None:
                    check_label(example["label"], self.classes, index)
                images[row], labels[row] = example["image"], example["label"]
                row += 1
        except DataError as error:
            return Chunk(image=images[:0], label=labels[:0], unreadable=found.errors, error=error)
        return Chunk(image=images[:row], label=labels[:row], unreadable=found.errors, error=None)

    def _read(self, source: Source, index: int, place: int) -> Example:
        if self.crops is None:
            example = source[index]
            if isinstance(source, FittedSource):
                return example
            return {"image": self.preprocessing.fitted(example["image"]), "label": example["label"]}
        example = read_example(source, index, self.crops.at(place))
        channels = self.preprocessing.image_shape[-1]
        return {"image": with_channels(example["image"], channels), "label": example["label"]}


def check_label(label: Any, classes: int, index: int) -> None:
    """Raises DataError, with the index of the image, for a label that is not one of 0 to classes - 1."""
    try:
        known = 0 <= label < classes and label == int(label)
    except (TypeError, ValueError):
        known = False
    if not known:
        raise DataError(f"image {index} has the label {label}: with {classes} classes it must be 0 to {classes - 1}")
