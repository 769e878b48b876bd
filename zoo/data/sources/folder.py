"""A folder of images with one sub-folder per class."""

import hashlib
import os
import re
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from zoo.data.dataset import Dataset, Example, path_safe
from zoo.data.decoding import check_header, read_image
from zoo.data.errors import DataError

EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})
_TEST_NAMES = ("test", "val", "validation")
# A set up to this size is decoded whole when it is opened: a bad image shows before the training starts.
_DECODE_ALL_BYTES = 64 * 2**20


@dataclass(frozen=True)
class FolderSource:
    """Images decoded when they are read; `labels` are indices into the classes."""

    paths: tuple[Path, ...]
    labels: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Example:
        return {"image": read_image(self.paths[index]), "label": self.labels[index]}


def has_images(folder: Path) -> bool:
    """Whether there is an image anywhere below the folder, or in it."""
    return any(_is_image(name) for _, _, names in _walk(folder) for name in names)


def image_files(folder: Path) -> list[Path]:
    """The images anywhere below the folder, or in it, in natural order: 10.png after 9.png."""
    files = (Path(top, name) for top, _, names in _walk(folder) for name in names if _is_image(name))
    return sorted(files, key=lambda file: [_natural(part) for part in file.parts])


def open_folder(folder: Path) -> Dataset:
    """Open a folder of class folders, or one with `train` and `test` (or `val`, `validation`) of them.

    Plain class folders are split four to one, class by class, by a hash of each image's path: the same split
    on every machine. DataError names an image that cannot be read, an empty class, or classes that differ.
    """
    test = _test_folder(folder)
    if test:
        train_files, test_files = _classes(folder / "train"), _classes(test)
        _check_same_classes(folder / "train", train_files, test, test_files)
    else:
        train_files, test_files = _split(folder, _classes(folder))
    _check_images([path for files in (train_files, test_files) for paths in files.values() for path in paths])
    train = _source(train_files)
    return Dataset(
        path_safe(folder.resolve().name),
        train,
        _source(test_files),
        tuple(train_files),
        train[0]["image"].shape,
    )


def _test_folder(folder: Path) -> Path | None:
    # A folder is a split, not a class named "train", when it has sub-folders and no images of its own.
    def is_split(path: Path) -> bool:
        return path.is_dir() and bool(_subfolders(path)) and not any(_is_image(entry.name) for entry in path.iterdir())

    if not is_split(folder / "train"):
        return None
    for name in _TEST_NAMES:
        if is_split(folder / name):
            return folder / name
    raise DataError(
        f"{folder} has train but no test, val or validation: add one, or pass {folder / 'train'} to split it"
    )


def _classes(folder: Path) -> dict[str, list[Path]]:
    classes = {
        name: sorted(Path(top, file) for top, _, files in _walk(folder / name) for file in files if _is_image(file))
        for name in _subfolders(folder)
    }
    if len(classes) < 2:
        raise DataError(
            f"{folder} has {len(classes)} class folders: put the images into one sub-folder per class, two or more"
        )
    for name, paths in classes.items():
        if not paths:
            raise DataError(f"the class folder {folder / name} holds no images: add some or remove it")
    return classes


def _split(folder: Path, classes: dict[str, list[Path]]) -> tuple[dict[str, list[Path]], dict[str, list[Path]]]:
    def order(path: Path) -> bytes:
        return hashlib.sha256(path.relative_to(folder).as_posix().encode("utf-8", "surrogateescape")).digest()

    train, test = {}, {}
    for name, paths in classes.items():
        if len(paths) < 2:
            raise DataError(f"the class folder {folder / name} holds one image: training and test need one each")
        cut = max(1, round(len(paths) / 5))
        ordered = sorted(paths, key=order)
        train[name], test[name] = sorted(ordered[cut:]), sorted(ordered[:cut])
    return train, test


def _check_same_classes(train: Path, train_files: dict, test: Path, test_files: dict) -> None:
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


def _check_images(paths: list[Path]) -> None:
    small = sum(path.stat().st_size for path in paths if path.exists()) <= _DECODE_ALL_BYTES
    with warnings.catch_warnings(), ThreadPoolExecutor(8) as pool:
        # Ours is an error, and says more.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        for _ in pool.map(read_image if small else check_header, paths):
            pass


def _source(classes: dict[str, list[Path]]) -> FolderSource:
    pairs = [(path, label) for label, paths in enumerate(classes.values()) for path in paths]
    return FolderSource(tuple(path for path, _ in pairs), tuple(label for _, label in pairs))


def _subfolders(folder: Path) -> list[str]:
    names = [entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    return sorted(names, key=_natural)


def _natural(name: str) -> list[tuple[bool, int, str]]:
    # "10" after "9"; the name itself last, so that "1" and "01" have one order.
    parts = [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", name)]
    return [*parts, (True, 0, name)]


def _walk(folder: Path):
    for top, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield top, folders, files


def _is_image(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in EXTENSIONS
