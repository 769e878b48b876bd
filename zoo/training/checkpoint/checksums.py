"""Checks that a checkpoint holds what was saved, and belongs to the run that reads it.

Beside the state a checkpoint has a record: the shape and the checksum of each array, and the run's position.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.tree_util import keystr
from msgspec import Meta

from zoo.errors import ZooError, list_some
from zoo.runtime.record_types import Count
from zoo.runtime.records import InvalidRecord, as_record, parse_json, with_advice
from zoo.training.checkpoint.position import Position

Word = Annotated[int, Meta(ge=0, lt=2**32)]


class Damaged(Exception):
    """A checkpoint that cannot be read, or whose values differ from those that were saved."""


@dataclass(frozen=True, kw_only=True)
class ChecksummedRecord:
    """A record as text, with its checksum."""

    record: str
    crc32: Word


@dataclass(frozen=True, kw_only=True)
class CheckpointRecord:
    """Where the run was, and the shape and the checksum of each array of its state, by the path of the array."""

    position: Position
    shapes: dict[str, list[Count]]
    checksums: dict[str, Word]


def with_checksums(position: Mapping[str, Any], state: Any) -> dict[str, Any]:
    """The record of a state and its position, as text with a checksum."""
    text = json.dumps({"position": position, "shapes": shapes(state), "checksums": checksums(state)})
    return {"record": text, "crc32": zlib.crc32(text.encode())}


def verified_record(metadata: Any, where: str) -> CheckpointRecord:
    """The record of the checkpoint `where`.

    Raises Damaged if its own checksum does not match, and InvalidRecord if it was written like that.
    """
    try:
        stored = as_record(metadata, ChecksummedRecord, where)
    except InvalidRecord:
        raise Damaged from None
    if zlib.crc32(stored.record.encode("utf-8", "surrogatepass")) != stored.crc32:
        raise Damaged
    with with_advice("rename that folder to use another checkpoint"):
        return as_record(_upgraded(parse_json(stored.record, where)), CheckpointRecord, where)


def _upgraded(stored: Any) -> Any:
    """A record of the first version, whose position was that of the feed alone, as this version stores it."""
    match stored:
        case {"position": {**position}} if "feed" not in position:
            return {**stored, "position": {"feed": position}}
    return stored


def check_shapes(checkpoint: Path, stored: Mapping[str, list[int]], state: Any) -> None:
    """Raises ZooError, which lists the differences, if a checkpoint's arrays are not those of the run's state."""
    expected = shapes(state)
    missing, unexpected = expected.keys() - stored.keys(), stored.keys() - expected.keys()
    differing = {key for key in expected.keys() & stored.keys() if expected[key] != stored[key]}
    if missing or unexpected or differing:
        raise ZooError(
            f"{checkpoint} belongs to another network or optimizer: missing {list_some(missing)}; unexpected "
            f"{list_some(unexpected)}; of another shape {list_some(differing)}"
        )


def shapes(tree: Any) -> dict[str, list[int]]:
    """The shape of each array, by its path."""
    return {_name(path): list(leaf.shape) for path, leaf in jax.tree.leaves_with_path(tree)}


def checksums(tree: Any) -> dict[str, int]:
    """The sum of each array's 32-bit words modulo 2^32, by its path, over the devices of all processes."""
    sums = {_name(path): _local_sum(leaf) for path, leaf in jax.tree.leaves_with_path(tree)}
    if jax.process_count() > 1:
        everywhere = multihost_utils.process_allgather(np.array(list(sums.values()), np.uint32))
        sums = dict(zip(sums, everywhere.sum(0, dtype=np.uint32).tolist(), strict=True))
    return sums


def _name(path: tuple) -> str:
    return keystr(path, simple=True, separator="/")


def _local_sum(array: jax.Array | np.ndarray) -> int:
    if isinstance(array, np.ndarray):
        return _sum([array])
    if jnp.issubdtype(array.dtype, jax.dtypes.prng_key):
        array = jax.random.key_data(array)
    # A part that several devices hold counts once.
    parts = [shard.data for shard in array.addressable_shards if shard.replica_id == 0]
    return _sum([np.asarray(part) for part in parts])


def _sum(parts: list[np.ndarray]) -> int:
    # Views, which need no memory; NumPy adds them up without Python's interpreter lock.
    flat = (np.ascontiguousarray(part).reshape(-1) for part in parts)
    words = (part.view(f"u{min(4, part.dtype.itemsize)}") for part in flat)
    return sum(int(word.sum(dtype=np.uint32)) for word in words) % 2**32
