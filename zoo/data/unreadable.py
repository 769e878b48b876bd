"""Images that cannot be read: how many of them may be left out, and what takes their place."""

import threading
from dataclasses import dataclass

from zoo.data.cropping import read_example
from zoo.data.crops import RandomCrop
from zoo.data.dataset import ArraySource, Example, Source
from zoo.data.errors import DataError


class UnreadableImages:
    """The images that could not be read so far; one more than `limit` is an error. Threads may share it.

    `flag` is the argument of the command line that raises the limit, for the message.
    """

    def __init__(self, limit: int = 0, flag: str = "") -> None:
        self.limit, self.flag = limit, flag
        self._errors: dict[str, DataError] = {}
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        """How many images these are."""
        return len(self._errors)

    @property
    def errors(self) -> tuple[DataError, ...]:
        """What was wrong with each."""
        return tuple(self._errors.values())

    def add(self, error: DataError) -> None:
        """Count an image, each once. Raises its error if the limit is exceeded."""
        message = str(error)
        with self._lock:
            if message not in self._errors and len(self._errors) >= self.limit:
                raise self._beyond_limit(error)
            self._errors[message] = error

    def _beyond_limit(self, error: DataError) -> DataError:
        if not self.flag:
            return error
        what = "more such images" if self.limit else "it"
        return DataError(f"{error}, or leave {what} out with {self.flag} {self.limit + 1}")

    def describe(self) -> str:
        """How many images were left out and what was wrong with the first, in one line; "" for none."""
        if not self._errors:
            return ""
        number = f"{self.count} images were" if self.count > 1 else "1 image was"
        return f"{number} left out as unreadable; the first: {min(self._errors)}"


@dataclass(frozen=True, eq=False)
class ReplacingSource:
    """Another source, in which the next readable example takes the place of an unreadable one.

    What an index gives depends on the source alone: a resumed run and other processes read the same.
    """

    source: Source
    unreadable: UnreadableImages

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Example:
        return self.cropped(index, None)

    def cropped(self, index: int, crop: RandomCrop | None) -> Example:
        """An example, with that crop of its image if any."""
        for position in range(index, index + len(self)):
            try:
                return read_example(self.source, position % len(self), crop)
            except DataError as error:
                self.unreadable.add(error)
        raise DataError("the data set has no image that can be read")


@dataclass(frozen=True, eq=False)
class CheckedSource:
    """Another source, whose error for an unreadable example says how to leave it out."""

    source: Source
    unreadable: UnreadableImages

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Example:
        try:
            return self.source[index]
        except DataError as error:
            self.unreadable.add(error)
            raise

    def source_index(self, index: int) -> int:
        """The same index."""
        return index


@dataclass(frozen=True, eq=False)
class ReadableSource:
    """The examples of another source at these indices."""

    source: Source
    indices: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Example:
        return self.source[self.source_index(index)]

    def source_index(self, index: int) -> int:
        """The index of that example in the whole source."""
        return self.indices[index]


def replace_unreadable(source: Source, unreadable: UnreadableImages) -> Source:
    """The source as a `ReplacingSource`, unless it is in memory, where every image can be read."""
    return source if isinstance(source, ArraySource) else ReplacingSource(source, unreadable)


def only_readable(source: Source, unreadable: UnreadableImages) -> Source:
    """The examples of the source that can be read; where some may be left out, all are read for that."""
    if isinstance(source, ArraySource):
        return source
    if not unreadable.limit:
        return CheckedSource(source, unreadable)
    return ReadableSource(source, readable_indices(source, unreadable))


def readable_indices(source: Source, unreadable: UnreadableImages) -> tuple[int, ...]:
    """The indices of the examples that can be read, found by reading all. Raises DataError for too many others."""

    def is_readable(index: int) -> bool:
        try:
            source[index]
        except DataError as error:
            unreadable.add(error)
            return False
        return True

    return tuple(index for index in range(len(source)) if is_readable(index))
