"""The same computation on the accelerator and on a CPU, in float32 and not TensorFloat-32."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np


def on_both(accelerator: jax.Device, function: Callable, *arrays: Any) -> tuple[Any, Any]:
    """What a jitted function of arrays returns on the accelerator and on the CPU, as NumPy arrays."""
    results = []
    with jax.default_matmul_precision("highest"):
        for device in (accelerator, jax.devices("cpu")[0]):
            with jax.default_device(device):
                computed = function(*jax.device_put(arrays, device))
                assert {leaf.devices() == {device} for leaf in jax.tree.leaves(computed)} == {True}
                results.append(jax.tree.map(np.asarray, computed))
    return results[0], results[1]


def assert_near(found: Any, expected: Any, tolerance: float) -> None:
    """Each array is near the other, relative to its root mean square."""
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert one.dtype == other.dtype and one.shape == other.shape
        scale = np.sqrt((other.astype(np.float64) ** 2).mean())
        assert np.sqrt(((one.astype(np.float64) - other) ** 2).mean()) <= tolerance * scale
