"""Whether a checkpoint is the one that was saved, and of the run that it is read for."""

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
from zoo.training.finetuning import listed

Position = dict[str, Any]


class Damaged(Exception):
    """A checkpoint that cannot be read, or holds other values than were saved."""


def check_same(place: Path, stored: Any, wanted: Any) -> None:
    """Raises ZooError where a checkpoint has other arrays than the run wants, and names both sides'."""
    ours, theirs = _shapes(wanted), _shapes(stored)
    missing, left = ours.keys() - theirs.keys(), theirs.keys() - ours.keys()
    other = {key for key in ours.keys() & theirs.keys() if ours[key] != theirs[key]}
    if missing or left or other:
        raise ZooError(
            f"{place} is of another network or optimizer: missing {listed(missing)}; left over {listed(left)}; of "
            f"another shape {listed(other)}"
        )


def _shapes(tree: Any) -> dict[str, tuple[int, ...]]:
    return {keystr(path, simple=True, separator="/"): _shape(leaf) for path, leaf in jax.tree.leaves_with_path(tree)}


def _shape(leaf: Any) -> tuple[int, ...]:
    # Keys are stored as their bits.
    bits = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return tuple(jax.eval_shape(jax.random.key_data, leaf).shape if bits else leaf.shape)


def checksums(tree: Any) -> dict[str, int]:
    """The sum of each array's bits, as 32-bit numbers, modulo 2^32, over the devices of all processes."""
    sums = {keystr(path, simple=True, separator="/"): _own_sum(leaf) for path, leaf in jax.tree.leaves_with_path(tree)}
    if jax.process_count() > 1:
        everywhere = multihost_utils.process_allgather(np.array(list(sums.values()), np.uint32))
        sums = dict(zip(sums, everywhere.sum(0, dtype=np.uint32).tolist(), strict=True))
    return sums


def _own_sum(array: jax.Array) -> int:
    if jnp.issubdtype(array.dtype, jax.dtypes.prng_key):
        array = jax.random.key_data(array)
    parts = [np.asarray(shard.data) for shard in array.addressable_shards if shard.replica_id == 0]
    words = (np.frombuffer(part.tobytes(), f"u{min(4, part.dtype.itemsize)}") for part in parts)
    return sum(int(word.sum(dtype=np.uint32)) for word in words) % 2**32


def sealed(position: Position, sums: dict[str, int]) -> dict[str, Any]:
    """What is kept beside a state, with a checksum of its own."""
    text = json.dumps({"position": position, "checksums": sums})
    return {"sealed": text, "crc32": zlib.crc32(text.encode())}


def unsealed(metadata: Mapping[str, Any]) -> tuple[Position, dict[str, int]]:
    """The inverse of `sealed`. Raises Damaged where the checksum is another."""
    text = metadata["sealed"]
    if zlib.crc32(text.encode()) != metadata["crc32"]:
        raise Damaged
    found = json.loads(text)
    return found["position"], found["checksums"]
