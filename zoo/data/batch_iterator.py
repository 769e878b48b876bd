"""Batches joined from the chunks that were read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from zoo.data.chunks import Chunk, ChunkReader
from zoo.data.errors import DataError
from zoo.data.read_ahead import read_ahead
from zoo.data.unreadable import UnreadableImages


@dataclass(frozen=True, eq=False)
class Batches:
    """The batches of a reader, one after the other: {"image": uint8 [batch, ...], "label": int32 [batch]}.

    With `masked` also "mask": bool [batch], False where zeros pad, which are last. With `workers` so many processes
    read the images.
    """

    reader: ChunkReader
    unreadable: UnreadableImages
    masked: bool = False
    workers: int = 0

    def __iter__(self) -> "BatchIterator":
        return BatchIterator(self)


class BatchIterator:
    """An iterator over batches that can continue anywhere: its state is the number of the next batch."""

    def __init__(self, batches: Batches) -> None:
        self._batches, self._next = batches, 0
        self._chunks: Any = None

    def __iter__(self) -> "BatchIterator":
        return self

    def __next__(self) -> dict[str, np.ndarray]:
        chunks = self._batches.reader.plan.chunks
        if self._chunks is None:
            reader = replace(self._batches.reader, first=self._next * chunks)
            self._chunks = read_ahead(reader, self._batches.workers)
        found = list(islice(self._chunks, chunks))
        if not found:
            raise StopIteration
        try:
            batch = _joined(found, self._batches)
        except DataError:
            # Another attempt starts with the same batch.
            self.close()
            raise
        self._next += 1
        return batch

    def get_state(self) -> dict[str, int]:
        """The number of the next batch, as JSON."""
        return {"next_index": self._next}

    def set_state(self, state: Mapping[str, int]) -> None:
        """Continue with that batch."""
        self.close()
        self._next = state["next_index"]

    def close(self) -> None:
        """End the threads or processes that read; another batch would start them again."""
        # What reads arrays has none.
        if hasattr(self._chunks, "close"):
            self._chunks.close()
        self._chunks = None


def _joined(chunks: list[Chunk], batches: Batches) -> dict[str, np.ndarray]:
    """The batch of these chunks. Raises DataError for images that could not be read."""
    for chunk in chunks:
        for error in chunk["unreadable"]:
            batches.unreadable.add(error)
        if chunk["error"]:
            raise chunk["error"]
    images, labels = (np.concatenate([chunk[name] for chunk in chunks]) for name in ("image", "label"))
    if not batches.masked:
        return {"image": images, "label": labels}
    padding = batches.reader.plan.rows - len(labels)
    mask = np.arange(batches.reader.plan.rows) < len(labels)
    images = np.pad(images, ((0, padding), *((0, 0),) * 3))
    return {"image": images, "label": np.pad(labels, (0, padding)), "mask": mask}
