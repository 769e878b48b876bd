"""The indices of tar shards, kept in zoo's cache: made once, and again where the shard's size or time has changed."""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors import numpy as safetensors

from zoo.data.sources.tar_index import TarIndex, index_tar
from zoo.errors import ZooError
from zoo.runtime.atomic_files import replacing
from zoo.runtime.cache_entries import CacheEntry, files_in
from zoo.runtime.cache_folder import cache_folder

# Changes with what the index of a file is.
VERSION = 1
ENDING = ".safetensors"
KEPT_NAME = re.compile(r"[0-9a-f]{32}" + re.escape(ENDING))


def indices_folder() -> Path:
    """Where the indices are. The folder may not exist."""
    return cache_folder() / "shards"


def kept_indices(folder: Path) -> Iterator[CacheEntry]:
    """The indices of tar shards in the cache."""
    yield from (CacheEntry(path) for path in files_in(folder) if KEPT_NAME.fullmatch(path.name))


def read_index(path: Path) -> TarIndex:
    """The index of a shard, from the cache or made now. Raises DataError and OSError as `index_tar`."""
    kept, state = _kept_path(path), _state(path)
    if found := _load(kept, state):
        return found
    made = index_tar(path)
    # A cache that cannot be written costs time, and nothing else.
    with suppress(ZooError, OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        with replacing(kept) as unfinished:
            _save(unfinished, made, state)
    return made


def _kept_path(path: Path) -> Path:
    name = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:32]
    return indices_folder() / f"{name}{ENDING}"


def _state(path: Path) -> dict[str, str]:
    status = path.stat()
    return {"version": str(VERSION), "size": str(status.st_size), "modified": str(status.st_mtime_ns)}


def _save(path: Path, index: TarIndex, state: dict[str, str]) -> None:
    arrays = {"offsets": index.offsets, "sizes": index.sizes, "labels": index.labels}
    texts = {"files": index.files, "classes": index.classes}
    arrays |= {name: np.frombuffer(_joined(text), np.uint8) for name, text in texts.items()}
    safetensors.save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path, state)


def _load(path: Path, state: dict[str, str]) -> TarIndex | None:
    """The index in a file; None where it is not there, is of another state of the shard, or is damaged."""
    try:
        with safe_open(path, "numpy") as file:
            if file.metadata() != state:
                return None
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        files, classes = (_divided(arrays[name].tobytes()) for name in ("files", "classes"))
        index = TarIndex(files, arrays["offsets"], arrays["sizes"], classes, arrays["labels"])
    except (OSError, SafetensorError, KeyError, msgspec.DecodeError):
        return None
    return index if _is_whole(index, int(state["size"])) else None


def _is_whole(index: TarIndex, size: int) -> bool:
    columns = (index.offsets, index.sizes, index.labels)
    return (
        all(column.dtype == np.int64 and column.shape == (len(index.files),) for column in columns)
        and bool(index.files)
        and min(column.min() for column in columns) >= 0
        and int((index.offsets + index.sizes).max()) <= size
        and int(index.labels.max()) < len(index.classes)
    )


def _joined(names: tuple[str, ...]) -> bytes:
    return "\0".join(names).encode("utf-8", "surrogateescape")


def _divided(names: bytes) -> tuple[str, ...]:
    return tuple(names.decode("utf-8", "surrogateescape").split("\0"))
