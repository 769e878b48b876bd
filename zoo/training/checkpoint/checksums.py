"""Whether a checkpoint is the one that was saved, and of the run that it is read for.

Beside the state a checkpoint has a record of it: each array's shape and checksum, and the position: that of the data,
and the totals of the epoch's metrics.
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

from zoo.errors import ZooError
from zoo.training.finetune.pretrained_backbone import listed

Position = dict[str, Any]


class Damaged(Exception):
    """A checkpoint that cannot be read, or holds other values than were saved."""


def sealed(position: Position, state: Any) -> dict[str, Any]:
    """The record of a state, with a checksum of its own."""
    text = json.dumps({"position": position, "shapes": shapes(state), "checksums": checksums(state)})
    return {"record": text, "crc32": zlib.crc32(text.encode())}


def unsealed(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """{"position", "shapes", "checksums"} of a record. Raises Damaged where its checksum is another."""
    if zlib.crc32(metadata["record"].encode()) != metadata["crc32"]:
        raise Damaged
    return json.loads(metadata["record"])


def check_same(place: Path, stored: Mapping[str, list[int]], wanted: Any) -> None:
    """Raises ZooError where a checkpoint has arrays of other shapes than the run wants, and names both sides'."""
    ours = shapes(wanted)
    missing, left = ours.keys() - stored.keys(), stored.keys() - ours.keys()
    other = {key for key in ours.keys() & stored.keys() if ours[key] != stored[key]}
    if missing or left or other:
        raise ZooError(
            f"{place} is of another network or optimizer: missing {listed(missing)}; left over {listed(left)}; of "
            f"another shape {listed(other)}"
        )


def shapes(tree: Any) -> dict[str, list[int]]:
    """The shape of each array, by its place."""
    return {_name(path): list(leaf.shape) for path, leaf in jax.tree.leaves_with_path(tree)}


def checksums(tree: Any) -> dict[str, int]:
    """The sum of each array's bits, as 32-bit numbers, modulo 2^32, over the devices of all processes."""
    sums = {_name(path): _own_sum(leaf) for path, leaf in jax.tree.leaves_with_path(tree)}
    if jax.process_count() > 1:
        everywhere = multihost_utils.process_allgather(np.array(list(sums.values()), np.uint32))
        sums = dict(zip(sums, everywhere.sum(0, dtype=np.uint32).tolist(), strict=True))
    return sums


def _name(path: tuple) -> str:
    return keystr(path, simple=True, separator="/")


def _own_sum(array: jax.Array | np.ndarray) -> int:
    if isinstance(array, np.ndarray):
        return _sum([array])
    if jnp.issubdtype(array.dtype, jax.dtypes.prng_key):
        array = jax.random.key_data(array)
    # What several devices have counts once.
    parts = [shard.data for shard in array.addressable_shards if shard.replica_id == 0]
    return _sum([np.asarray(part) for part in parts])


def _sum(parts: list[np.ndarray]) -> int:
    words = (np.frombuffer(part.tobytes(), f"u{min(4, part.dtype.itemsize)}") for part in parts)
    return sum(int(word.sum(dtype=np.uint32)) for word in words) % 2**32
