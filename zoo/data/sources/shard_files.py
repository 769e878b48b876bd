"""The files that a data set is stored in, its shards: which there are, and which split each belongs to."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from zoo.data.errors import DataError
from zoo.data.sources.image_tree import list_tree, natural_key
from zoo.data.sources.left_out import OtherFiles
from zoo.data.sources.splits import Kind, split_kind
from zoo.errors import list_some
from zoo.runtime.regular_file import open_regular

TAR, PARQUET, ARROW = SUFFIXES = (".tar", ".parquet", ".arrow")
# What a file of each kind begins with, and at which byte.
MAGIC = (
    (TAR, 257, b"ustar"),
    (PARQUET, 0, b"PAR1"),
    (ARROW, 0, b"ARROW1"),
    # A stream, as the datasets library saves it.
    (ARROW, 0, b"\xff\xff\xff\xff"),
)
COMPRESSED = re.compile(r".*\.(tgz|tbz2|txz|tar\.\w+)", re.IGNORECASE)
COMPRESSIONS = (".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".zst")
NUMBERED = re.compile(r"(.*?)(\d+)-of-(\d+)(.*)")
CLASSES_FILE = "classes.txt"


@dataclass(frozen=True)
class ShardFiles:
    """Shards of one kind (a suffix). `splits` are paths below `folder` in their order; those of None are of no split by
    their names.
    """

    folder: Path
    kind: str
    splits: dict[Kind | None, tuple[str, ...]]

    @property
    def training(self) -> Kind | None:
        """The split that is for training."""
        return "train" if "train" in self.splits else None

    @property
    def name(self) -> str:
        """What the data set is called: the folder, or the one file."""
        is_folder = self.training or len(self.splits[None]) > 1
        return self.folder.resolve().name if is_folder else PurePosixPath(self.splits[None][0]).stem

    @property
    def where(self) -> str:
        """The folder or the one file, for messages."""
        is_folder = self.training or len(self.splits[None]) > 1
        return str(self.folder if is_folder else self.path(self.splits[None][0]))

    def path(self, file: str) -> Path:
        """Where a shard is."""
        return self.folder / file


def find_shards(path: Path) -> ShardFiles | None:
    """The shards in a folder and below, or the file itself; None where there are none.

    The split of a shard is in its file's name, as in train-00000-of-00002.parquet, else in that of a folder. Raises
    DataError for shards of several kinds or compressed ones, and where some have the name of a split and others not, or
    one is missing.
    """
    if path.is_file():
        kind = file_kind(path)
        return ShardFiles(path.parent, kind, {None: (path.name,)}) if kind else None
    others = list_tree(path).all_others()
    _refuse_compressed(path, others)
    kinds = [kind for kind in SUFFIXES if others.get(kind)]
    if not kinds:
        return None
    if len(kinds) > 1:
        raise DataError(f"{path} holds files of {' and '.join(kinds)}: keep one kind, or pass a folder of one kind")
    files = sorted(others[kinds[0]], key=lambda file: [natural_key(part) for part in file.split("/")])
    _check_complete(path, files)
    return ShardFiles(path, kinds[0], _by_split(path, files))


def file_kind(path: Path) -> str:
    """The kind of shard that a file is by its contents, else by its suffix; "" if it is none. Raises OSError."""
    with open_regular(path) as file:
        start = file.read(512)
    by_contents = (kind for kind, position, magic in MAGIC if start.startswith(magic, position))
    return next(by_contents, path.suffix.lower() if path.suffix.lower() in SUFFIXES else "")


def _by_split(folder: Path, files: Sequence[str]) -> dict[Kind | None, tuple[str, ...]]:
    splits: dict[Kind | None, list[str]] = defaultdict(list)
    for file in files:
        splits[_split_of(file)].append(file)
    if None in splits and len(splits) > 1:
        raise DataError(
            f"{folder} has shards of named splits and {splits[None][0]}, whose name is of none: name it train, test or "
            "validation, or remove it"
        )
    if None not in splits and "train" not in splits:
        raise DataError(f"{folder} has no training shards, only {list_some(files)}: add some, or pass one file")
    return {split: tuple(inside) for split, inside in splits.items()}


def _split_of(file: str) -> Kind | None:
    path = PurePosixPath(file)
    # The nearest name decides: the file's, then its folder's.
    for name in (path.stem, *(parent.name for parent in path.parents)):
        if found := split_kind(name):
            return found[0]
    return None


def _refuse_compressed(folder: Path, others: OtherFiles) -> None:
    """Raises DataError for compressed tar files, which others beside them would stand for alone."""
    for suffix in COMPRESSIONS:
        for file in others.get(suffix, ()):
            if COMPRESSED.fullmatch(file):
                raise DataError(f"{folder} holds {file}, which is compressed: unpack it to a plain .tar")


def _check_complete(folder: Path, files: Sequence[str]) -> None:
    """Raises DataError where train-00000-of-00002 has no train-00001-of-00002."""
    numbers: dict[tuple[str, str, str], set[int]] = defaultdict(set)
    for file in files:
        if match := NUMBERED.fullmatch(file):
            start, number, total, end = match.groups()
            numbers[start, total, end].add(int(number))
    for (start, total, end), found in numbers.items():
        missing = next((number for number in range(min(int(total), len(found) + 1)) if number not in found), None)
        if missing is not None:
            name = f"{start}{missing:0{len(total)}}-of-{total}{end}"
            raise DataError(f"{folder} has {len(found)} of {int(total)} shards: {name} is missing, copy it there")
