"""The images below a folder, listed without opening any of them."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.data.errors import DataError
from zoo.data.optional_formats import HEIC, OPTIONAL_FORMATS, OptionalFormat
from zoo.data.sources.left_out import OtherFiles, joined_kinds
from zoo.runtime.system_errors import reason

EXTENSIONS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".pjpeg", ".png", ".bmp", ".gif", ".webp", ".avif", ".tif", ".tiff"}
    | {".ppm", ".pgm", *HEIC.suffixes}
)
# What operating systems, archives and network drives put beside the user's files; hidden files are skipped too.
SYSTEM_NAMES = frozenset(
    {"__MACOSX", "@eaDir", "lost+found", "$RECYCLE.BIN", "System Volume Information", "Thumbs.db", "desktop.ini"}
)
MAX_SUFFIX = 12
# Far more than data sets have; Python's own limit of nested calls is not much higher.
MAX_DEPTH = 100


@dataclass(frozen=True)
class ImageTree:
    """What a folder holds, hidden files apart.

    `relative` is its path below the `root` that was listed, with slashes, "" for the root itself. `images` are paths
    below the root too, and `others` those of the remaining files, by suffix. `folders` are in natural order.
    """

    root: Path
    relative: str
    images: tuple[str, ...]
    others: OtherFiles
    folders: dict[str, "ImageTree"]
    total: int

    @property
    def path(self) -> Path:
        """Where the folder is."""
        return self.root / self.relative

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    def all_images(self) -> Iterator[str]:
        """The images in this folder and below."""
        yield from self.images
        for folder in self.folders.values():
            yield from folder.all_images()

    def all_others(self) -> dict[str, list[str]]:
        """The other files in this folder and below, by suffix."""
        return joined_kinds(self.others, *(folder.all_others() for folder in self.folders.values()))

    def folders_with_images(self) -> dict[str, "ImageTree"]:
        """The sub-folders that hold images, or have them below."""
        return {name: folder for name, folder in self.folders.items() if folder.total}


def readable_suffixes(without: Sequence[OptionalFormat] = ()) -> frozenset[str]:
    """The suffixes of the images that can be read in this installation, but those of formats to do without."""
    missing = (known.suffixes for known in OPTIONAL_FORMATS if known in without or not known.is_available())
    return EXTENSIONS.difference(*missing)


def list_tree(root: Path, without: Sequence[OptionalFormat] = ()) -> ImageTree:
    """List a folder and all below it; symbolic links are followed. Images of the formats `without` are other files.

    Raises DataError for a folder that cannot be read, and for a link to a folder that holds it.
    """
    return _tree(root, "", _identities_above(root), readable_suffixes(without))


def has_images(root: Path) -> bool:
    """Whether there is an image anywhere below the folder, or in it. Raises DataError as `list_tree` does."""
    return _has_images(root, "", _identities_above(root), readable_suffixes())


def natural_order(tree: ImageTree) -> list[Path]:
    """All images of the tree in natural order: 10.png after 9.png."""
    return sorted(
        (tree.root / image for image in tree.all_images()),
        key=lambda file: [natural_key(part) for part in file.parts],
    )


def natural_key(name: str) -> list[tuple[bool, int, str]]:
    """A key that sorts "10" after "9", in the decimal digits of any script."""
    # Every second part is a number. The name itself is last, so that equal numbers have one order.
    parts = enumerate(re.split(r"(\d+)", name))
    return [*((index % 2 == 0, int(part) if index % 2 else 0, part) for index, part in parts), (True, 0, name)]


# The device and the number of a folder on it, by which a loop is found.
Identity = tuple[int, int]


def _identities_above(root: Path) -> tuple[Identity, ...]:
    # A link to a folder above the root would list that first, which may be the whole disk.
    return tuple(_identity(folder.stat()) for folder in root.resolve().parents)


def _identity(status: os.stat_result) -> Identity:
    return status.st_dev, status.st_ino


def _tree(root: Path, relative: str, above: tuple[Identity, ...], suffixes: frozenset[str]) -> ImageTree:
    names, images, others, inside = _list_folder(root, relative, above, suffixes)
    folders = {name: _tree(root, _join(relative, name), inside, suffixes) for name in sorted(names, key=natural_key)}
    total = len(images) + sum(folder.total for folder in folders.values())
    return ImageTree(root, relative, tuple(images), others, folders, total)


def _has_images(root: Path, relative: str, above: tuple[Identity, ...], suffixes: frozenset[str]) -> bool:
    names, images, _, inside = _list_folder(root, relative, above, suffixes)
    return bool(images) or any(_has_images(root, _join(relative, name), inside, suffixes) for name in names)


def _list_folder(
    root: Path, relative: str, above: tuple[Identity, ...], suffixes: frozenset[str]
) -> tuple[list[str], list[str], OtherFiles, tuple[Identity, ...]]:
    """The names of sub-folders, the images, the other files by suffix, and the identities of this folder and above.

    `suffixes` are those of images.
    """
    path = root / relative
    folders: list[str] = []
    images: list[str] = []
    others: dict[str, list[str]] = {}
    try:
        identity = _identity(path.stat())
        if identity in above:
            raise DataError(f"{path} is a link to a folder that holds it ({path.resolve()}): remove the link")
        if relative.count("/") > MAX_DEPTH:
            raise DataError(f"{path} is more than {MAX_DEPTH} folders deep: pass a folder nearer to the images")
        with os.scandir(path) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith(".") or name in SYSTEM_NAMES:
                    continue
                suffix = _suffix(name)
                if entry.is_dir():
                    folders.append(name)
                elif suffix in suffixes and _can_be_opened(entry):
                    images.append(_join(relative, name))
                else:
                    kind = "broken link" if _is_broken_link(entry) else suffix
                    others.setdefault(kind, []).append(_join(relative, name))
    except OSError as error:
        raise DataError(f"cannot read {error.filename or path} ({reason(error)})") from error
    return folders, images, others, (*above, identity)


def _suffix(name: str) -> str:
    """The suffix in small letters; "" where there is none, or what follows a dot of the name is not one."""
    stem, dot, ending = name.rpartition(".")
    is_suffix = stem and len(ending) <= MAX_SUFFIX and ending.isalnum()
    return (dot + ending).lower() if is_suffix else ""


def _can_be_opened(entry: os.DirEntry[str]) -> bool:
    # Opening a pipe would wait for ever. A broken link is an image that cannot be read, and is named as such.
    return entry.is_file() or _is_broken_link(entry)


def _is_broken_link(entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink() and not Path(entry).exists()


def _join(relative: str, name: str) -> str:
    return f"{relative}/{name}" if relative else name
