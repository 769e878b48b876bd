"""The order of arrays in memory."""

from typing import Any

import jax
from jax import lax
from jax.experimental.layout import Layout, with_layout_constraint

from zoo.runtime.mesh import splits_state
from zoo.training.state_split import state_sharding


def row_major(arrays: Any) -> Any:
    """The same parameters, inside of jit, with their elements in the order in which a state has them.

    On a GPU the gradient of a kernel has its output features first. XLA would keep that order in the optimizer, and so
    transpose each kernel and its momentum before and after the update, in float32; like this only gradients are.
    A TPU has a state in an order of its own, by the shapes of the arrays, and takes the gradients to that by itself.
    """
    return lax.platform_dependent(arrays, tpu=lambda arrays: arrays, default=_row_major)


def _row_major(arrays: Any) -> Any:
    mesh = jax.sharding.get_abstract_mesh()
    if not splits_state(mesh):
        return _constrained(arrays)
    # For a constraint on a split array XLA would gather it, so here each device has one on its own part.
    parts = jax.tree.map(lambda sharding: sharding.spec, state_sharding(arrays, mesh))
    return jax.shard_map(_constrained, in_specs=(parts,), out_specs=parts, axis_names=set(mesh.axis_names))(arrays)


def _constrained(arrays: Any) -> Any:
    return jax.tree.map(lambda array: with_layout_constraint(array, Layout(tuple(range(array.ndim)))), arrays)
