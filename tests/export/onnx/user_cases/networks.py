"""What the cases are made of: a network from a function of its images, with variables at random."""

from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import numpy as np


class Of(nn.Module):
    """A network from a function that calls layers."""

    function: Callable

    @nn.compact
    def __call__(self, x):
        return self.function(x)


class Case(NamedTuple):
    """A network, as a module or as a function that calls layers, and the shape and type of its images.

    `ops` are the nodes of ONNX that it must have, and how many of each. `refused`: it has no ONNX form.
    """

    network: Any
    shape: tuple[int, ...] = (2, 9, 8, 4)
    dtype: Any = np.float32
    ops: dict[str, int] = {}  # noqa: RUF012 (a default of NamedTuple)
    tolerance: float = 1e-5
    refused: bool = False


def module_of(network: Any) -> nn.Module:
    """A module for a case's network."""
    return network if isinstance(network, nn.Module) else Of(network)


def random_variables(model: nn.Module, images: jax.Array, seed: int = 0) -> Any:
    """Variables none of which is 0 or 1 throughout, as scales, biases and statistics are at first."""
    shapes = jax.eval_shape(model.init, {name: jax.random.key(0) for name in ("params", "dropout")}, images)
    generator = np.random.default_rng(seed)

    def fill(path: tuple, leaf: Any) -> Any:
        name = str(getattr(path[-1], "key", ""))
        if not np.issubdtype(np.dtype(leaf.dtype), np.floating) and np.dtype(leaf.dtype).kind != "V":
            return np.zeros(leaf.shape, leaf.dtype)
        if name in ("var", "scale", "sigma") or "scale" in name:
            return generator.uniform(0.5, 1.5, leaf.shape).astype(leaf.dtype)
        fan_in = max(1, int(np.prod(leaf.shape[:-1]))) if len(leaf.shape) > 1 else 4
        return (generator.standard_normal(leaf.shape) / np.sqrt(fan_in)).astype(leaf.dtype)

    return jax.tree_util.tree_map_with_path(fill, shapes)


def random_images(shape: tuple[int, ...], dtype: Any, seed: int = 1) -> np.ndarray:
    """Images at random: numbers around 0, or all that the type has up to 255."""
    generator = np.random.default_rng(seed)
    kind = np.dtype(dtype).kind
    if kind == "b":
        return generator.random(shape) < 0.5
    if kind in "iu":
        return generator.integers(0, min(255, np.iinfo(dtype).max) + 1, shape).astype(dtype)
    return generator.standard_normal(shape).astype(dtype)
