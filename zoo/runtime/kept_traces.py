"""Traces that are kept: those of `init`, which zoo keeps, and those of `nn.jit`, which Flax keeps."""

import uuid
from collections.abc import Callable, Hashable
from functools import lru_cache, partial
from typing import Any

import flax.linen as nn
import jax

from zoo.runtime.shape_key import shape_key


def init_shapes(model: nn.Module, example: jax.ShapeDtypeStruct) -> Any:
    """The shapes of the variables that `model.init` makes for such an input. Those of the last networks are kept."""
    try:
        hash(model)
    except TypeError:  # a field of a user's module may be an array
        return trace_init(model, example)
    kept = _kept_shapes(model, example, jax.config.read("jax_enable_x64"), jax.sharding.get_abstract_mesh())
    return jax.tree.map(lambda leaf: leaf, kept)


def trace_init(model: nn.Module, example: jax.ShapeDtypeStruct, call: Callable | None = None) -> Any:
    """`init_shapes` by a new trace, in which every module is called once. One key serves all random streams of modules.

    `call` is a function of the module and its input, by default its `__call__`.
    """
    # Only networks of zoo are known to use the key for nothing but zoo's initializers.
    of_zoo = type(model).__module__.startswith("zoo.models.")
    key = shape_key() if of_zoo else jax.random.key(0)
    return jax.eval_shape(partial(model.init, method=call), {"params": key, new_trace_name(): key}, example)


@lru_cache(maxsize=64)
def _kept_shapes(model: nn.Module, example: jax.ShapeDtypeStruct, *_context: Hashable) -> Any:
    """`_context` has the settings of JAX that types and shardings depend on."""
    return trace_init(model, example)


def new_trace_name() -> str:
    """A name for a random stream or a mutable collection that no module has: with it, `nn.jit` traces its module anew.

    Flax keeps traces for as long as the names are the same. What an interceptor has put into a kept trace, or has noted
    while it was made, belongs to the earlier call.
    """
    return f"trace {uuid.uuid4().hex}"
