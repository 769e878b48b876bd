"""A data set of the shards of its splits: their classes and labels checked, and divided where there is one split."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from zoo.data.dataset import EVERY_FIFTH, Dataset, path_safe
from zoo.data.errors import DataError
from zoo.data.image_shape import typical_shape
from zoo.data.sources.arrays import test_mask
from zoo.data.sources.encoded import EncodedSource
from zoo.data.sources.shard_files import CLASSES_FILE, ShardFiles
from zoo.data.sources.splits import Kind
from zoo.printable import counted
from zoo.runtime.record_types import MAX_CLASSES
from zoo.runtime.regular_file import read_regular

OWN_SPLIT = "a fifth of each class is for testing, by a hash of the image's name"
# Of examples whose labels are not published.
NO_LABEL = -1


def test_kinds(shards: ShardFiles) -> list[Kind]:
    """The splits that may be the test split, the best first."""
    kinds: tuple[Kind, ...] = ("test", "validation")
    return [kind for kind in kinds if kind in shards.splits]


def is_labelled(source: EncodedSource) -> bool:
    """Whether any example has a label: those of ImageNet's test split are all -1."""
    return bool((source.labels != NO_LABEL).any())


def shard_dataset(
    shards: ShardFiles,
    train: EncodedSource,
    tests: Sequence[tuple[Kind, EncodedSource]],
    class_names: tuple[str, ...],
    *,
    has_names: bool,
) -> Dataset:
    """The data set of a training split, and of the first of `tests` that has labels.

    Without one, a fifth of each class is for testing: by a hash of the images' names if the files `has_names`, as of a
    folder, else by their order. `class_names` may be (): then the labels are the names, from 0. Raises DataError for
    labels beyond the classes.
    """
    if not len(train):
        raise DataError(f"{shards.where} has no training images")
    names = class_names or _numbers(shards, train.labels)
    test = next(((kind, source) for kind, source in tests if is_labelled(source)), None)
    for source in (train, *([test[1]] if test else [])):
        check_labels(source, len(names))
    left_out = [f"{counted(len(source), 'image')} of {kind}" for kind, source in tests if not test or kind != test[0]]
    if test:
        train_source, test_source, rule = train, test[1], f"the shards of train and {test[0]}"
    else:
        is_test = _mask_by_name(train) if has_names else test_mask(train.labels)
        train_source, test_source = train.part(~is_test), train.part(is_test)
        rule = OWN_SPLIT if has_names else EVERY_FIFTH
        if not len(test_source):
            raise DataError(f"{shards.where} has too few images of each class for a test split: add shards of one")
    return Dataset(
        path_safe(shards.name),
        train_source,
        test_source,
        names,
        typical_shape(train_source.image_shape, len(train_source)),
        left_out=f"left out: {', '.join(left_out)}" if left_out else "",
        split=rule,
    )


def read_classes(folder: Path) -> tuple[str, ...]:
    """The names of the classes in classes.txt, one a line; () without that file. Raises DataError and OSError."""
    path = folder / CLASSES_FILE
    if not path.is_file():
        return ()
    try:
        names = tuple(read_regular(path).decode().splitlines())
    except UnicodeDecodeError:
        raise DataError(f"{path} is not UTF-8: write one name per line") from None
    check_class_names(names, str(path))
    return names


def check_class_names(names: Sequence[str], where: str) -> None:
    """Raises DataError unless these are names of classes: at least one, not too many, none too long or given twice."""
    twice = next((name for name, times in Counter(names).items() if times > 1), None)
    if twice is not None:
        raise DataError(f"{where} names the class {twice!r} twice: give each class a name of its own")
    if not names or len(names) > MAX_CLASSES or not all(names) or max(map(len, names)) > 1000:
        raise DataError(f"{where} has no list of classes: it needs 1 to {MAX_CLASSES:,} names of 1 to 1,000 characters")


def _numbers(shards: ShardFiles, labels: np.ndarray) -> tuple[str, ...]:
    present = np.unique(labels)
    classes = len(present)
    if present[0] != 0 or present[-1] != classes - 1 or classes > MAX_CLASSES:
        gap = next((number for number, label in enumerate(present.tolist()) if number != label), classes)
        raise DataError(
            f"{shards.where} has labels from {present[0]} to {present[-1]} and no training image of {gap}: number the "
            f"classes from 0, or name all in {CLASSES_FILE} beside the shards"
        )
    return tuple(map(str, range(classes)))


def check_labels(source: EncodedSource, classes: int) -> None:
    """Raises DataError, with the name of the first such image, for a label that is not 0 to classes - 1."""
    wrong = np.flatnonzero((source.labels < 0) | (source.labels >= classes))
    if len(wrong):
        index = int(wrong[0])
        name = source.store.name(int(source.rows[index]))
        raise DataError(
            f"{name} has the label {source.labels[index]}: with {classes} classes it must be 0 to {classes - 1}"
        )


def _mask_by_name(source: EncodedSource) -> np.ndarray:
    """Which examples are for testing: those that a folder with files of these names has in its test split."""

    def order(index: int) -> bytes:
        return hashlib.sha256(source.files[index].encode("utf-8", "surrogateescape")).digest()

    mask = np.zeros(len(source), bool)
    for label in np.unique(source.labels):
        indices = np.flatnonzero(source.labels == label).tolist()
        if len(indices) > 1:
            mask[sorted(indices, key=order)[: max(1, round(len(indices) / 5))]] = True
    return mask
