"""Weights drawn again from the top down: a picture that stays the same does not show what was learnt.

The cascading randomisation of Adebayo et al. 2018, "Sanity Checks for Saliency Maps", arXiv:1810.03292, section 3.
"""

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.errors import ZooError
from zoo.models.variables import Variables, init
from zoo.visualize.methods.named_layers import layer_shape, layer_shapes


def randomize_weights(
    model: nn.Module,
    variables: Variables,
    key: jax.Array,
    down_to: str | None = None,
    *,
    image_shape: tuple[int, int, int] | None = None,
) -> dict[str, Any]:
    """The variables with all layers from the logits down to the layer `down_to`, it included, drawn again.

    By default all layers. Parameters come from the network's own initial distribution, and running statistics go with
    them. `image_shape` (height, width, channels) is what the network is drawn for, its own unless given. The layers
    are ordered as they run. Raises ZooError where there is no such layer.
    """
    fresh = init(model, key, image_shape)
    if jax.tree.structure(fresh) != jax.tree.structure(dict(variables)):
        raise ZooError(
            f"these variables are not those that {type(model).__name__} is drawn with: it may be that batch norms were "
            "folded into them, which has no initial distribution"
        )
    if down_to is None:
        return fresh
    shape = image_shape or model.image_shape
    shapes = layer_shapes(model, variables, jax.ShapeDtypeStruct((1, *shape), jnp.float32))
    layer_shape(model, shapes, down_to)
    names = list(shapes)
    first = next(i for i, name in enumerate(names) if _lies_in(name, down_to))
    drawn_again = set(names[first:])

    def mixed(path: tuple, old: jax.Array) -> jax.Array:
        _, *module, _ = (part.key for part in path)
        return _at(fresh, path) if "/".join(module) in drawn_again else old

    return jax.tree_util.tree_map_with_path(mixed, dict(variables))


def _lies_in(name: str, layer: str) -> bool:
    return name == layer or name.startswith(f"{layer}/")


def _at(tree: Mapping[str, Any], path: tuple) -> Any:
    for part in path:
        tree = tree[part.key]
    return tree
