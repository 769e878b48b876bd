"""Where a data set comes from and what is in it: what a run remembers, and compares when it is resumed."""

import hashlib
from collections.abc import Iterator, Sequence, Sized
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from zoo.data.known_labels import known_labels, label_counts
from zoo.errors import list_first
from zoo.runtime.record_types import MAX_CLASSES, Count, Sha256

PathText = Annotated[str, Meta(max_length=4096)]
# What follows the slash is a configuration, and the colon a version: never a path.
TfdsName = Annotated[str, Meta(pattern=r"\A(\w+(/[^/:.][^/:]*)?(:[\d.]+)?)?\Z", max_length=1000, description="a name")]
# Differences that a message lists.
MAX_CHANGES = 3
# Evenly spaced, of images in memory.
HASHED_IMAGES = 64


@dataclass(frozen=True, kw_only=True)
class SplitRecord:
    """How many images a split has, in all and of each class, and a hash of their files' names or of their labels.

    The contents of the images are not looked at, but for some of those in memory. `per_class` is () and `order` ""
    where they are not known: a large data set of TFDS, whose name has its version, is not read for them.
    """

    images: Count
    per_class: Annotated[tuple[Count, ...], Meta(max_length=MAX_CLASSES)] = ()
    order: Sha256 = ""


@dataclass(frozen=True, kw_only=True)
class DataOrigin:
    """Where a data set comes from, and its splits.

    A "folder", or a file that is a shard, has its absolute `path`. A data set of "tfds", the embedded digits among
    them, has its `name` with configuration and version, and TFDS's folder as `path`. "arrays" were given in memory;
    "unknown" is from an earlier version of zoo, or of weights that do not say it. The splits are None where they are
    not known. `skip_unreadable` of their images may be left out as unreadable: commands on the data of a run leave out
    what its training did.
    """

    kind: Literal["folder", "tfds", "arrays", "unknown"] = "unknown"
    path: PathText = ""
    name: TfdsName = ""
    training: SplitRecord | None = None
    test: SplitRecord | None = None
    skip_unreadable: Count = 0

    def describe(self) -> str:
        """The place in words: "the folder /data/photos"."""
        match self.kind:
            case "folder":
                kind = "file" if Path(self.path).is_file() else "folder"
                return f"the {kind} {self.path}" if self.path else "a folder"
            case "tfds":
                return "the built-in digits" if self.name == "digits" else f"{self.name} of TFDS"
            case "arrays":
                return "data in memory"
        return "a data set of unknown place"

    def for_others(self) -> "DataOrigin":
        """What a file that others may get says of it: no paths, and no counts."""
        return DataOrigin(kind=self.kind, name=self.name)

    def with_splits(self, training: Sized, test: Sized, classes: int) -> "DataOrigin":
        """The same place, with what its sources hold."""
        has_images = self.kind == "arrays"
        first, second = (split_record(source, classes, has_images=has_images) for source in (training, test))
        return replace(self, training=first, test=second)


def split_record(source: Sized, classes: int, *, has_images: bool = False) -> SplitRecord:
    """The record of a source: by its `labels`, and the names of its `files` where it has them.

    Of images in memory, which have no names, some `images` are hashed with the labels.
    """
    labels, files = known_labels(source), getattr(source, "files", None)
    if labels is None:
        return SplitRecord(images=len(source))
    in_order = labels.astype(np.int64).tobytes()
    if files is not None:
        in_order = "\0".join(files).encode("utf-8", "surrogateescape")
    if has_images and (images := getattr(source, "images", None)) is not None:
        in_order += images[np.linspace(0, len(images) - 1, HASHED_IMAGES, dtype=np.int64)].tobytes()
    order = hashlib.sha256(in_order).hexdigest()
    return SplitRecord(images=len(source), per_class=label_counts(labels, classes), order=order)


def class_changes(then: Sequence[str], now: Sequence[str]) -> str:
    """How the classes differ, for brackets in a line; "" where they do not."""
    missing, added = [name for name in then if name not in now], [name for name in now if name not in then]
    differing = (("missing", missing), ("new", added))
    parts = [f"{what}: {list_first(names, MAX_CHANGES)}" for what, names in differing if names]
    return "; ".join(parts) or ("in another order" if tuple(then) != tuple(now) else "")


def image_changes(then: DataOrigin, now: DataOrigin, class_names: Sequence[str]) -> str:
    """How the images of the same classes differ, for "it has ..."; "" where they do not, or it is not known."""
    found = [
        change
        for split, before, after in (
            ("training", then.training, now.training),
            ("test", then.test, now.test),
        )
        if before and after
        for change in _split_changes(split, before, after, class_names)
    ]
    return list_first(found, MAX_CHANGES)


def _split_changes(split: str, then: SplitRecord, now: SplitRecord, class_names: Sequence[str]) -> Iterator[str]:
    if then.per_class and now.per_class and then.per_class != now.per_class:
        counts = zip_longest(then.per_class, now.per_class, class_names, fillvalue=0)
        yield from (f"{b} {split} images of {name} ({a} then)" for a, b, name in counts if a != b)
    elif then.images != now.images:
        yield f"{now.images} {split} images ({then.images} then)"
    elif then.order and now.order and then.order != now.order:
        yield f"other {split} images (as many as then)"
