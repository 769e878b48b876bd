"""A folder of images with one sub-folder per class."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.data.cropping import read_crop
from zoo.data.crops import RandomCrop
from zoo.data.dataset import Dataset, Example, path_safe
from zoo.data.decoding import read_image, read_shape, read_thumbnail
from zoo.data.errors import DataError
from zoo.data.image_shape import typical_shape
from zoo.data.optional_formats import OptionalFormat
from zoo.data.sources.image_tree import ImageTree, list_tree
from zoo.data.sources.left_out import describe_left_out
from zoo.data.sources.splits import find_splits, split_groups

OWN_SPLIT = "a fifth of each class is for testing, by a hash of the image's path in the folder"

# Paths below the data set's folder, with slashes, by class.
Files = dict[str, list[str]]


@dataclass(frozen=True, repr=False)
class FolderSource:
    """Images decoded when they are read. `files` are paths below `folder`, and `labels` are indices of the classes."""

    folder: Path
    files: tuple[str, ...]
    labels: tuple[int, ...]

    def __repr__(self) -> str:
        return f"FolderSource({len(self):,} images)"

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Example:
        return {"image": read_image(self.path(index)), "label": self.labels[index]}

    def cropped(self, index: int, crop: RandomCrop) -> Example:
        """An example with a random crop of its image."""
        return {"image": read_crop(self.path(index), crop), "label": self.labels[index]}

    def path(self, index: int) -> Path:
        """The file of an image."""
        return self.folder / self.files[index]

    def image_shape(self, index: int) -> tuple[int, int, int]:
        """(height, width, channels) of an image, from its file's header."""
        return read_shape(self.path(index))

    def thumbnail(self, index: int, side: int) -> np.ndarray:
        """An image as by `read_thumbnail`."""
        return read_thumbnail(self.path(index), side)


def open_folder(folder: Path, without: Sequence[OptionalFormat] = ()) -> Dataset:
    """Open a folder of class folders, or one with a training and a test split of them (see `find_splits`).

    Plain class folders are split four to one, class by class, by a hash of each image's path: the same split on every
    machine. Symbolic links are followed. The folder is listed, and only a few images are opened: one that cannot be
    read is an error when it is met. Images of the formats `without` are left out. DataError names an empty class, or
    classes that differ.
    """
    tree = list_tree(folder, without)
    if splits := find_splits(tree):
        train_files, test_files = (_classes(split, is_split=True) for split in splits)
        _check_same_classes(splits[0].path, train_files, splits[1].path, test_files)
    else:
        train_files, test_files = _split(folder, _classes(tree))
    train, test = _source(folder, train_files), _source(folder, test_files)
    used = [split.name for split in splits or ()]
    unused = [name for name in tree.folders_with_images() if used and name not in used]
    return Dataset(
        path_safe(folder.resolve().name),
        train,
        test,
        tuple(train_files),
        typical_shape(train.image_shape, len(train)),
        left_out=describe_left_out(tree.all_others(), tree.total - len(train) - len(test), unused),
        split=f"the folders {splits[0].name} and {splits[1].name}" if splits else OWN_SPLIT,
    )


def _classes(tree: ImageTree, *, is_split: bool = False) -> Files:
    with_images = tree.folders_with_images()
    # Data sets with one folder of images beside others, such as Images and Annotations.
    inner = [folder.path for folder in with_images.values() if len(folder.folders_with_images()) > 1]
    if len(tree.folders) < 2 or (inner and len(with_images) == 1):
        hint = f", or pass {inner[0]}" if inner else ""
        raise DataError(
            f"{tree.path} has {len(with_images)} class folders: put the images into one sub-folder per class, two or "
            f"more{hint}"
        )
    for folder in tree.folders.values():
        if not folder.total:
            removing = "remove it from both splits" if is_split else "remove it"
            left_out = describe_left_out(folder.all_others())
            found = f" ({left_out})" if left_out else ""
            raise DataError(f"the class folder {folder.path} holds no images{found}: add some or {removing}")
        for kinds in split_groups(folder).values():
            if "train" in kinds and len(kinds) > 1:
                raise DataError(
                    f"{folder.path} has a training and a test split of its own: pass that folder, or put the classes "
                    "into the splits"
                )
    # The order of the paths' parts, as "/" sorts before any character of a name.
    return {
        name: sorted(folder.all_images(), key=lambda file: file.replace("/", "\0"))
        for name, folder in tree.folders.items()
    }


def _split(folder: Path, classes: Files) -> tuple[Files, Files]:
    def order(file: str) -> bytes:
        return hashlib.sha256(file.encode("utf-8", "surrogateescape")).digest()

    train, test = {}, {}
    if max(map(len, classes.values())) < 2:
        raise DataError(f"{folder} has one image per class: training and test need one each")
    for name, files in classes.items():
        # A single image is for training, as in shards.
        cut = min(max(1, round(len(files) / 5)), len(files) - 1)
        in_test = set(sorted(files, key=order)[:cut])
        train[name] = [file for file in files if file not in in_test]
        test[name] = [file for file in files if file in in_test]
    return train, test


def _check_same_classes(train: Path, train_files: Files, test: Path, test_files: Files) -> None:
    only = [
        f"only {folder} has {', '.join(sorted(names))}"
        for folder, names in (
            (train, train_files.keys() - test_files.keys()),
            (test, test_files.keys() - train_files.keys()),
        )
        if names
    ]
    if only:
        raise DataError(f"the classes of {train} and {test} differ: {'; '.join(only)}")


def _source(folder: Path, classes: Files) -> FolderSource:
    files = tuple(file for paths in classes.values() for file in paths)
    labels = tuple(label for label, paths in enumerate(classes.values()) for _ in paths)
    return FolderSource(folder, files, labels)
