"""Checks that a checkpoint holds what was saved, and belongs to the run that reads it.

Beside the state a checkpoint has a record: the shape and the checksum of each array, and the run's position.
"""

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.tree_util import keystr

from zoo.errors import ZooError, list_some


class Damaged(Exception):
    """A checkpoint that cannot be read, or whose values differ from those that were saved."""


def with_checksums(position: Mapping[str, Any], state: Any) -> dict[str, Any]:
    """The record of a state and its position, as text with a checksum."""
    text = json.dumps({"position": position, "shapes": shapes(state), "checksums": checksums(state)})
    return {"record": text, "crc32": zlib.crc32(text.encode())}


def verified_record(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """{"position", "shapes", "checksums"} of a record. Raises Damaged if its own checksum does not match."""
    if zlib.crc32(metadata["record"].encode()) != metadata["crc32"]:
        raise Damaged
    return json.loads(metadata["record"])


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
    words = (np.frombuffer(part.tobytes(), f"u{min(4, part.dtype.itemsize)}") for part in parts)
    return sum(int(word.sum(dtype=np.uint32)) for word in words) % 2**32
