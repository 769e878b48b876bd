"""Sources made from others: two of them joined, and one whose labels are its own indices."""

from dataclasses import dataclass

import numpy as np

from zoo.data.dataset import Example, Source
from zoo.data.known_labels import known_labels


@dataclass(frozen=True, eq=False)
class JoinedSource:
    """The examples of one source and then those of another."""

    first: Source
    second: Source

    def __len__(self) -> int:
        return len(self.first) + len(self.second)

    def __getitem__(self, index: int) -> Example:
        if index < len(self.first):
            return self.first[index]
        return self.second[index - len(self.first)]

    @property
    def labels(self) -> np.ndarray | None:
        """The labels of all examples, where both sources have them in memory."""
        parts = [known_labels(source) for source in (self.first, self.second)]
        return (
            np.concatenate([part for part in parts if part is not None]) if all(p is not None for p in parts) else None
        )

    @property
    def files(self) -> tuple[str, ...] | None:
        """The names of the images, where both sources have them."""
        first, second = getattr(self.first, "files", None), getattr(self.second, "files", None)
        return None if first is None or second is None else (*first, *second)


@dataclass(frozen=True, eq=False)
class IndexedSource:
    """The images of another source, each with its index as its label."""

    source: Source

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Example:
        return {"image": self.source[index]["image"], "label": index}
