"""The examples of a tar shard in the layout of WebDataset: https://github.com/webdataset/webdataset.

An example is the members in a row whose names are the same up to the first dot of the file's name: an image, and its
class as .cls (a number or a name) or as "label" of .json.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BufferedReader
from itertools import groupby
from pathlib import Path

import numpy as np

from zoo.data.errors import DataError
from zoo.data.sources.image_tree import readable_suffixes
from zoo.data.sources.tar_members import Member, tar_members
from zoo.printable import printable, quoted, shortened
from zoo.runtime.record_types import MAX_CLASSES
from zoo.runtime.records import InvalidRecord, as_record, parse_json
from zoo.runtime.regular_file import open_regular

# Formats in which a program can be stored that runs when it is read. Their contents are never looked at.
REFUSED = frozenset({"npy", "npz", "pth", "pt", "pkl", "pickle", "pyd", "joblib"})
# The members of an example that hold its class, the best first.
LABELS = ("cls", "json")
MAX_CLS, MAX_JSON = 1000, 2**20
MAX_PARTS = 100


@dataclass(frozen=True)
class JsonLabel:
    """Of a member .json: the class, as a number or a name."""

    label: int | str


@dataclass(frozen=True, eq=False)
class TarIndex:
    """Where the images of a shard are: names, offsets and sizes in bytes, int64 [n], and the class of each.

    `classes` are what the labels say, as text in the order of their first appearance; `labels` int64 [n] are
    indices of that.
    """

    files: tuple[str, ...]
    offsets: np.ndarray
    sizes: np.ndarray
    classes: tuple[str, ...]
    labels: np.ndarray


@dataclass
class _Growing:
    files: list[str] = field(default_factory=list)
    images: list[tuple[int, int, int]] = field(default_factory=list)
    classes: dict[str, int] = field(default_factory=dict)


def index_tar(path: Path) -> TarIndex:
    """Index a shard by its headers and labels. Raises DataError for one that is damaged or no such shard, and OSError.

    Members that are neither an image nor a class are not used, and those that could run a program are refused.
    """
    suffixes = frozenset(suffix[1:] for suffix in readable_suffixes())
    grown, seen = _Growing(), set()
    # Members are read from a file of its own: tarfile keeps its position in the other.
    with open_regular(path) as headers, open_regular(path) as contents:
        for key, group in groupby(tar_members(path, headers), lambda member: _parts(member)[0]):
            if key in seen:
                raise DataError(f"{path} holds {_shown(key)} twice, apart from each other: sort the shard by name")
            seen.add(key)
            members = _by_ending(path, key, group)
            _refuse_programs(path, members)
            images = [ending for ending in members if ending in suffixes]
            labels = [ending for ending in LABELS if ending in members]
            if not images and not labels:
                continue
            _check_pair(path, key, images, labels)
            image, text = members[images[0]], _label(path, contents, members[labels[0]], labels[0])
            label = grown.classes.setdefault(text, len(grown.classes))
            if label >= MAX_CLASSES:
                raise DataError(f"{path} has more than {MAX_CLASSES:,} classes")
            grown.files.append(image.name)
            grown.images.append((image.offset, image.size, label))
    if not grown.files:
        raise DataError(f"{path} holds no images with a .cls or .json beside each: it is no shard of WebDataset")
    rows = np.array(grown.images, np.int64)
    return TarIndex(tuple(grown.files), rows[:, 0], rows[:, 1], tuple(grown.classes), rows[:, 2])


def _parts(member: Member) -> tuple[str, str]:
    """The name up to the first dot of the file's name, and what follows the dot, in small letters."""
    folder, slash, name = member.name.rpartition("/")
    stem, _, ending = name.partition(".")
    return folder + slash + stem, ending.lower()


def _by_ending(path: Path, key: str, members: Iterator[Member]) -> dict[str, Member]:
    found: dict[str, Member] = {}
    for member in members:
        ending = _parts(member)[1]
        if ending in found or len(found) == MAX_PARTS:
            raise DataError(f"{path} holds {_shown(key)}.{_shown(ending)} twice: pack the shard again")
        found[ending] = member
    return found


def _refuse_programs(path: Path, members: dict[str, Member]) -> None:
    for ending, member in members.items():
        if ending.rpartition(".")[2] in REFUSED:
            raise DataError(
                f"{path} holds {_shown(member.name)}, a format that can run a program when it is read: pack the images "
                "as JPEG or PNG, and the classes as .cls or .json"
            )


def _check_pair(path: Path, key: str, images: list[str], labels: list[str]) -> None:
    if len(images) > 1:
        raise DataError(f"{path} holds several images of {_shown(key)} (.{images[0]}, .{images[1]}): keep one")
    if not images:
        raise DataError(f"{path} holds {_shown(key)}.{labels[0]} without an image beside it: pack the shard again")
    if not labels:
        raise DataError(f"{path} holds {_shown(key)}.{images[0]} without a .cls or .json beside it: add its class")


def _label(path: Path, file: BufferedReader, member: Member, ending: str) -> str:
    limit = MAX_CLS if ending == "cls" else MAX_JSON
    where = f"{_shown(member.name)} in {path}"
    if member.size > limit:
        raise DataError(f"{where} has {member.size:,} bytes, which is no class: use at most {limit:,}")
    file.seek(member.offset)
    data = file.read(member.size)
    text = _json_label(data, where) if ending == "json" else _text_label(data)
    if not text or len(text) > MAX_CLS or not text.isprintable():
        raise DataError(f"{where} is {quoted(data[:40])}: give the number or the name of the class")
    return text


def _text_label(data: bytes) -> str:
    try:
        return data.decode().strip()
    except UnicodeDecodeError:
        return ""


def _json_label(data: bytes, where: str) -> str:
    try:
        return str(as_record(parse_json(data, where), JsonLabel, where, allow_unknown=True).label).strip()
    except InvalidRecord as error:
        raise DataError(f"{error}; give the class as label") from None


def _shown(name: str) -> str:
    return shortened(printable(name), 80)
