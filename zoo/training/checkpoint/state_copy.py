"""A copy of a state's arrays, from which a checkpoint is written: the next step donates the memory of the state itself.

The training loop waits for the copy, and for nothing else.
"""

import math
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
from jax.errors import JaxRuntimeError

from zoo.runtime.free_memory import device_memory, device_memory_used
from zoo.training.distributed import true_everywhere

# Free memory may be in pieces, and the next step must find its own.
MAX_SHARE = 0.9


class StateCopier:
    """Copies on the devices where they have room for one copy more, otherwise into the memory of the hosts.

    It decides at the first copy, when the devices have computed steps, and what these took is known.
    """

    def __init__(self) -> None:
        self._on_devices: bool | None = None

    def copy(self, tree: Any) -> Any:
        """The arrays in other memory, once they are there. Raises JaxRuntimeError where that is not enough."""
        if self._on_devices is None:
            size, used, limit = bytes_per_device(tree), device_memory_used(), device_memory()
            self._on_devices = true_everywhere(used is None or limit is None or has_room(size, used, limit))
        if self._on_devices:
            try:
                return jax.block_until_ready(_copied()(tree))
            except JaxRuntimeError as error:
                # Several processes would have to agree.
                if _is_cpu() or "RESOURCE_EXHAUSTED" not in str(error) or jax.process_count() > 1:
                    raise
                self._on_devices = False
        return jax.block_until_ready(jax.device_put(tree, jax.tree.map(_on_host, tree)))


def has_room(size: int, used: int, limit: int) -> bool:
    """Whether `size` bytes fit beside `used` ones on a device that has `limit`."""
    return used + size <= MAX_SHARE * limit


def bytes_per_device(tree: Any) -> int:
    """The bytes that a device has of these arrays, or shapes; of a shape without a sharding it has all."""

    def on_one(leaf: Any) -> int:
        shape = leaf.sharding.shard_shape(leaf.shape) if leaf.sharding else leaf.shape
        return math.prod(shape) * leaf.dtype.itemsize

    return sum(map(on_one, jax.tree.leaves(tree)))


@cache
def _copied() -> Any:
    # One program: arrays that are copied one by one take 30 times as long to start, and each shape is compiled.
    return jax.jit(lambda tree: jax.tree.map(jnp.copy, tree))


def _on_host(leaf: jax.Array) -> jax.sharding.Sharding:
    return leaf.sharding.with_memory_kind("pinned_host")


def _is_cpu() -> bool:
    return jax.local_devices()[0].platform == "cpu"
