"""Layer-wise decay of the learning rate: layers near the image learn more slowly than those near the head."""

from collections.abc import Mapping
from typing import Any

import jax
import optax
from flax import linen as nn

from zoo.errors import ZooError
from zoo.models.network import Network
from zoo.models.variables import trace_init
from zoo.weights.files import key_of
from zoo.weights.head_and_aux import head_leaves


def layer_distances(network: Network) -> dict[str, int]:
    """{top-level module: how many layers it is from the head}, which has 0 itself, as auxiliary heads do.

    The layers are the top-level modules with a kernel, in the order in which they are called. What has only norms
    belongs to the layer before it. Raises ZooError where everything is in one module.
    """
    called: dict[str, None] = {}

    def record_call(function: Any, args: tuple, kwargs: dict, context: nn.module.InterceptorContext) -> Any:
        if context.module.path:
            called.setdefault(context.module.path[0])
        return function(*args, **kwargs)

    with nn.intercept_methods(record_call):
        params = trace_init(network)["params"]
    heads = {path[1].key for path in head_leaves(network) if path[0].key == "params"}
    positions: dict[str, int] = {}
    layers = 0
    for name in called:
        if name in heads or name not in params:
            continue
        layers += any(leaf.ndim > 1 for leaf in jax.tree.leaves(params[name]))
        positions[name] = max(layers, 1)
    if len(set(positions.values())) + bool(heads) < 2:
        raise ZooError(f"layer_decay has no effect: {type(network).__name__} has no top-level modules but one")
    last = layers + bool(heads)
    return {name: last - position for name, position in positions.items()} | dict.fromkeys(heads, 0)


def scale_by_layer(decay: float, distances: Mapping[str, int]) -> optax.GradientTransformation:
    """Updates times decay ^ distance: as BEiT's, ConvNeXt's and timm's `layer_decay`.

    A parameter outside all modules of `distances` is scaled as those of the first layer.
    """
    first = max(distances.values())

    def scale(updates: Any, params: Any) -> Any:
        def scale_leaf(path: tuple, update: jax.Array) -> jax.Array:
            return update * decay ** distances.get(key_of(path).split("/")[0], first)

        return jax.tree.map_with_path(scale_leaf, updates)

    return optax.stateless(scale)
