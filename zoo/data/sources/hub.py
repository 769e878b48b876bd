"""Data sets of the Hugging Face hub, as hf://datasets/OWNER/NAME: their shards, downloaded once into zoo's cache.

The form of the name is that of other libraries: https://huggingface.co/docs/huggingface_hub/guides/hf_file_system
"""

import hashlib
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from zoo.data.dataset import Dataset, path_safe
from zoo.data.errors import DataError
from zoo.data.origin import DataOrigin
from zoo.data.sources.shard_files import SUFFIXES
from zoo.data.sources.shards import open_shards
from zoo.errors import ZooError
from zoo.printable import quoted, shown_bytes
from zoo.runtime.atomic_files import replacing
from zoo.runtime.cache_entries import CacheEntry, files_below
from zoo.runtime.cache_folder import cache_folder
from zoo.runtime.regular_file import read_regular
from zoo.runtime.system_errors import reason
from zoo.runtime.web.download import download
from zoo.runtime.web.download_lock import unless_downloading
from zoo.runtime.web.hub import COMMIT, HubRepository, hub_dataset, hub_headers

SCHEME = "hf://"
NAME = re.compile(
    r"hf://datasets/(?P<owner>\w[\w.-]*)/(?P<name>\w[\w.-]*)"
    r"(@(?P<revision>refs/convert/[\w.-]+|refs/pr/\d+|[^/]+))?(/(?P<folder>[^\0]*))?",
    re.ASCII,
)
# OWNER/NAME/COMMIT/FILE, and OWNER/NAME/refs/HASH, which says that all files of a name are there.
KEPT = re.compile(r"[^/]+/[^/]+/([0-9a-f]{40}/.+|refs/[0-9a-f]{32})")


@dataclass(frozen=True)
class HubName:
    """A data set's repository, a branch or a commit, and the folder in it that is meant ("": all)."""

    owner: str
    name: str
    revision: str
    folder: str

    @property
    def repository(self) -> str:
        """The owner and the name, as the hub has them."""
        return f"{self.owner}/{self.name}"


def is_hub_name(name: str) -> bool:
    """Whether a data set's name is meant as one of the hub."""
    return name.startswith(SCHEME)


def open_hub(name: str) -> Dataset:
    """Open a data set of the hub; what is in the cache is opened without a network. Raises DataError and ZooError."""
    parsed = parse_name(name)
    folder = _fetch(parsed)
    opened = open_shards(folder)
    place = DataOrigin(kind="folder", path=str(folder.resolve()))
    return replace(opened, name=path_safe(parsed.name), place=place)


def parse_name(name: str) -> HubName:
    """The parts of hf://datasets/OWNER/NAME[@REVISION][/FOLDER]. Raises DataError."""
    match = NAME.fullmatch(name)
    folder = (match["folder"] or "").strip("/") if match else ""
    if not match or not _is_inside(folder or "."):
        raise DataError(
            f"{quoted(name)} is no data set of the hub: write hf://datasets/OWNER/NAME, then @BRANCH for "
            "another branch, or /FOLDER where it has several"
        )
    return HubName(match["owner"], match["name"], unquote(match["revision"] or "main"), folder)


def hub_folder() -> Path:
    """Where the data sets of the hub are. The folder may not exist."""
    return cache_folder() / "hub"


def kept_datasets(folder: Path) -> Iterator[CacheEntry]:
    """The files of the hub's data sets in the cache."""
    for path in files_below(folder):
        if KEPT.fullmatch(path.relative_to(folder).as_posix()) and path.suffix != ".lock":
            yield CacheEntry(path, partial(unless_downloading, path.with_name(path.name.removesuffix(".part"))))


def _fetch(name: HubName) -> Path:
    """The folder with the shards, which are downloaded where they are not there."""
    repository = hub_folder() / name.owner / name.name
    asked = hashlib.sha256(f"{name.revision}/{name.folder}".encode()).hexdigest()[:32]
    note = repository / "refs" / asked
    if commit := _noted(note):
        return repository / commit / name.folder
    found = hub_dataset(name.repository, name.revision)
    shards = _shards(name, found)
    target = repository / found.commit
    missing = [file for file in shards if not (target / file).is_file()]
    try:
        target.mkdir(parents=True, exist_ok=True)
        _check_space(name, sum(found.sizes[file] for file in missing), target)
        for file in missing:
            download(found.files[file].url, target / file, found.files[file].sha256, headers=hub_headers())
        note.parent.mkdir(exist_ok=True)
        with replacing(note) as unfinished:
            unfinished.write_text(found.commit, encoding="ascii")
    except OSError as error:
        raise DataError(f"cannot write {target}: {reason(error)}; set ZOO_CACHE to another folder") from None
    return target / name.folder


def _noted(note: Path) -> str:
    try:
        commit = read_regular(note).decode("ascii", "replace")
    except OSError:
        return ""
    return commit if COMMIT.fullmatch(commit) else ""


def _shards(name: HubName, found: HubRepository) -> list[str]:
    """The names of the shards in the folder, of one kind. Raises DataError for names that lead out of it."""
    inside = [file for file in found.files if not name.folder or file.startswith(f"{name.folder}/")]
    kinds = {kind: [file for file in inside if file.endswith(kind)] for kind in SUFFIXES}
    # The hub itself makes Parquet files of what it shows.
    shards = kinds[".parquet"] or kinds[".arrow"] or kinds[".tar"]
    where = f"{name.repository}/{name.folder}".rstrip("/")
    if not shards:
        raise DataError(f"{where} has no {', '.join(SUFFIXES)} files on the hub, {name.revision}: name another folder")
    if wrong := next((file for file in shards if not _is_inside(file)), None):
        raise DataError(f"{where} has the file {quoted(wrong)} on the hub, which leads out of its folder: use another")
    return shards


def _is_inside(file: str) -> bool:
    path = PurePosixPath(file)
    return not path.is_absolute() and ".." not in path.parts and file.isprintable() and "\\" not in file


def _check_space(name: HubName, size: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if size > free:
        raise ZooError(
            f"{name.repository} has {shown_bytes(size)}, and {folder} has room for {shown_bytes(free)}: free some "
            "space, or set ZOO_CACHE to another folder"
        )
