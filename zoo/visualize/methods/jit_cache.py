"""Jitted functions that are kept, so that another unit or another image needs no new compilation."""

from collections.abc import Callable, Hashable
from functools import lru_cache, partial
from typing import Any

import jax
import numpy as np

from zoo.runtime.compiler_options import compiler_options
from zoo.runtime.limits import BATCH_SIZE

# A compiled network takes some megabytes; a session uses a few networks and methods.
CACHE_SIZE = 32


@lru_cache(maxsize=CACHE_SIZE)
def jit_cached(function: Callable, *static: Hashable) -> Callable:
    """`jax.jit` of partial(function, *static): the same object for the same function and static arguments."""
    return jax.jit(partial(function, *static), compiler_options=compiler_options())


def in_batches(run: Callable, batch_size: int, *arrays: Any) -> Any:
    """run(*arrays) in batches of at most `batch_size` along the first axis; a pytree of NumPy arrays.

    The last batch is padded with copies of its last row, so that `run` is compiled for one size. Raises ZooError for a
    batch size below 1.
    """
    BATCH_SIZE.check(batch_size, "batch_size")
    count = len(arrays[0])
    results = []
    for start in range(0, count, batch_size):
        size = min(batch_size, count)
        batch = [_padded(np.asarray(array[start : start + size]), size) for array in arrays]
        kept = min(size, count - start)
        results.append(jax.tree.map(lambda leaf, kept=kept: leaf[:kept], jax.device_get(run(*batch))))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *results)


def _padded(array: np.ndarray, size: int) -> np.ndarray:
    missing = size - len(array)
    return np.concatenate([array, np.repeat(array[-1:], missing, axis=0)]) if missing else array
