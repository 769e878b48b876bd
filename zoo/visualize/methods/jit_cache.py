"""Functions compiled once and kept, so that a picture of another unit or another image costs no compilation."""

from collections.abc import Callable, Hashable
from functools import lru_cache, partial
from typing import Any

import jax
import numpy as np

from zoo.errors import ZooError
from zoo.runtime.compiler_options import compiler_options

# A compiled network holds some megabytes; a session of pictures uses a few networks and methods.
KEPT = 32


@lru_cache(maxsize=KEPT)
def jit_cached(function: Callable, *static: Hashable) -> Callable:
    """`jax.jit` of function(*static, ...), the same object for the same arguments."""
    return jax.jit(partial(function, *static), compiler_options=compiler_options())


def in_batches(run: Callable, batch_size: int, *arrays: Any) -> Any:
    """run(*arrays), at most `batch_size` along the first axis at a time; NumPy arrays, in any pytree.

    The last batch is filled up with its last row, so that `run` is compiled for one size. Raises ZooError where
    `batch_size` is no size.
    """
    if batch_size < 1:
        raise ZooError(f"the batch size is {batch_size}: it is 1 at least")
    count = len(arrays[0])
    made = []
    for start in range(0, count, batch_size):
        size = min(batch_size, count)
        parts = [_filled(np.asarray(array[start : start + size]), size) for array in arrays]
        kept = min(size, count - start)
        made.append(jax.tree.map(lambda leaf, kept=kept: leaf[:kept], jax.device_get(run(*parts))))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *made)


def _filled(array: np.ndarray, size: int) -> np.ndarray:
    missing = size - len(array)
    return np.concatenate([array, np.repeat(array[-1:], missing, axis=0)]) if missing else array
