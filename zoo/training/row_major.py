"""The order of arrays in memory."""

from typing import Any

import jax
from jax.experimental.layout import Layout, with_layout_constraint


def row_major(arrays: Any) -> Any:
    """The same arrays, inside of jit, with their elements in the order in which a state has them.

    On a GPU the gradient of a kernel has its output features first. XLA would keep that order in the optimizer, and so
    transpose each kernel and its momentum before and after the update, in float32; like this only gradients are.
    """
    return jax.tree.map(lambda array: with_layout_constraint(array, Layout(tuple(range(array.ndim)))), arrays)
