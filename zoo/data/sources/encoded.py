"""Examples whose images are encoded within larger files: tar shards, tables, records."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from zoo.data.cropping import decode_crop
from zoo.data.crops import RandomCrop
from zoo.data.dataset import Example
from zoo.data.decoding import decode, header_shape, unreadable
from zoo.data.errors import DataError


class Store(Protocol):
    """Encoded images by their row. Processes copy it by pickling, and threads share it."""

    def encoded(self, row: int) -> bytes:
        """An encoded image. Raises DataError for one that cannot be read."""
        ...

    def name(self, row: int) -> str:
        """Where an image is, for messages: its file and its position there."""
        ...


@dataclass(frozen=True, repr=False, eq=False)
class EncodedSource:
    """Images decoded when they are read. `rows` are those of the store, int64 [n]; `labels` are int64 [n].

    `files` are the names of the images: where they were before, below their folder.
    """

    store: Store
    rows: np.ndarray
    labels: np.ndarray
    files: tuple[str, ...]

    def __repr__(self) -> str:
        return f"EncodedSource({len(self):,} images)"

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Example:
        with self._naming(index):
            return {"image": decode(io.BytesIO(self.encoded(index))), "label": self.label(index)}

    def cropped(self, index: int, crop: RandomCrop) -> Example:
        """An example with a random crop of its image."""
        with self._naming(index):
            return {"image": decode_crop(self.encoded(index), crop), "label": self.label(index)}

    def encoded(self, index: int) -> bytes:
        """The image as it is stored."""
        return self.store.encoded(int(self.rows[index]))

    def label(self, index: int) -> int:
        """The class of an example."""
        return int(self.labels[index])

    def image_shape(self, index: int) -> tuple[int, int, int]:
        """(height, width, channels) of an image, from its header."""
        with self._naming(index):
            return header_shape(io.BytesIO(self.encoded(index)))

    def thumbnail(self, index: int, side: int) -> np.ndarray:
        """An image; a JPEG at a lower resolution, of at least `side` pixels."""
        with self._naming(index):
            return decode(io.BytesIO(self.encoded(index)), side)

    def part(self, chosen: np.ndarray) -> "EncodedSource":
        """The examples where `chosen`, bool [n], is true."""
        files = tuple(file for file, is_chosen in zip(self.files, chosen, strict=True) if is_chosen)
        return EncodedSource(self.store, self.rows[chosen], self.labels[chosen], files)

    @contextmanager
    def _naming(self, index: int) -> Iterator[None]:
        # A store names what it cannot read. PIL's decoders raise whatever their format's parser raises.
        try:
            yield
        except IndexError:
            raise
        except Exception as error:
            name = self.store.name(int(self.rows[index]))
            if isinstance(error, DataError) and name in str(error):
                raise
            # Of a part of a file that has many images, each has a line of its own: they are counted by it.
            if isinstance(error, DataError) and str(error).startswith("cannot read"):
                raise DataError(f"{name}: {error}") from error
            raise unreadable(name, error) from error
