"""Cascading randomisation of the weights: Adebayo et al. 2018, "Sanity Checks for Saliency Maps", arXiv:1810.03292.

A visualization that stays the same with random weights does not show what the network has learned (section 3).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.errors import ZooError
from zoo.models.variables import Variables, init
from zoo.visualize.methods.named_layers import check_layer, layer_shapes


def randomize_weights(
    model: nn.Module,
    variables: Variables,
    key: jax.Array,
    down_to: str | None = None,
    *,
    image_shape: tuple[int, int, int] | None = None,
) -> dict[str, Any]:
    """The variables with the last layers initialised again, from the logits back to and including `down_to`.

    By default all layers. Layers are ordered as they run. Parameters and batch statistics are those of
    `zoo.init(model, key)`. `image_shape` is (height, width, channels), by default the model's own. Raises ZooError for
    an unknown layer, and for variables of another structure than the model's.
    """
    fresh = init(model, key, image_shape)
    # A run keeps a collection without variables, such as the batch statistics of a network without batch norm.
    variables = {collection: tree for collection, tree in variables.items() if tree}
    if jax.tree.structure(fresh) != jax.tree.structure(variables):  # type: ignore[operator]
        raise ZooError(
            f"the variables do not have the structure that {type(model).__name__} is initialised with: "
            "perhaps batch normalisation was folded into them"
        )
    if down_to is None:
        return fresh
    shape = image_shape or model.image_shape
    shapes = layer_shapes(model, variables, jax.ShapeDtypeStruct((1, *shape), jnp.float32))
    check_layer(model, shapes, down_to)
    names = list(shapes)
    first = next(i for i, name in enumerate(names) if _is_part_of(name, down_to))
    randomized = set(names[first:])

    def choose(path: tuple, old: jax.Array) -> jax.Array:
        if path[0].key not in ("params", "batch_stats"):
            return old
        _, *module, _ = (part.key for part in path)
        # A part without an output of its own belongs to the layer around it.
        owner = next(name for name in _enclosing(module) if name in shapes)
        return _leaf_at(fresh, path) if owner in randomized else old

    return jax.tree_util.tree_map_with_path(choose, variables)


def _enclosing(module: list[str]) -> Iterator[str]:
    """ "a/b", "a", "" for ["a", "b"]."""
    for count in range(len(module), -1, -1):
        yield "/".join(module[:count])


def _is_part_of(name: str, layer: str) -> bool:
    return name == layer or name.startswith(f"{layer}/")


def _leaf_at(tree: Mapping[str, Any], path: tuple) -> Any:
    for part in path:
        tree = tree[part.key]
    return tree
