"""From pretrained variables to those that a run on other classes begins with."""

from collections.abc import Iterable, Mapping
from typing import Any

import jax

from zoo.errors import ZooError
from zoo.models.network import Network
from zoo.models.variables import init_shapes
from zoo.training.config.recipe import Recipe
from zoo.training.finetune.freezing import frozen_parameters, head_parameters
from zoo.weights.files import Weights, key_of
from zoo.weights.head_and_aux import aux_leaves, head_leaves

# What of a pretrained network's fields another data set, or the recipe, decides.
OF_THE_RUN = ("num_classes", "image_shape", "aux_heads")

Variables = Mapping[str, Any]


def backbone_of(weights: Weights, network: Network) -> dict[str, Any]:
    """The pretrained variables, by key, that `network` begins with: all but its head, even one of as many classes.

    Auxiliary heads, which pretrained networks come without, are new too.

    Raises ZooError, which lists what is missing, left over or of another shape.
    """
    head_parameters(network)
    new = {key_of(place) for place in head_leaves(network) | aux_leaves(network)}
    found = {key_of(place): leaf for place, leaf in jax.tree.leaves_with_path(dict(weights.variables))}
    wanted = {key_of(place): leaf.shape for place, leaf in jax.tree.leaves_with_path(init_shapes(network))}
    backbone = {key: leaf for key, leaf in found.items() if key not in new}
    missing = wanted.keys() - new - backbone.keys()
    left = backbone.keys() - wanted.keys()
    differing = {key for key in backbone.keys() & wanted.keys() if backbone[key].shape != wanted[key]}
    if missing or left or differing:
        raise ZooError(
            f"not weights to begin this {weights.model} with: missing {listed(missing)}; left over {listed(left)}; "
            f"of another shape {listed(differing)}"
        )
    return backbone


def begun_with(fresh: Variables, backbone: Mapping[str, jax.Array]) -> Variables:
    """The fresh variables, with the pretrained ones in their places."""
    return jax.tree.map_with_path(lambda place, leaf: backbone.get(key_of(place), leaf), fresh)


def check_trained_parts(network: Network, recipe: Recipe) -> None:
    """Raises ZooError where the recipe freezes, or trains slowly, parts that the network does not have."""
    frozen_parameters(network, recipe.freeze)
    if recipe.backbone_rate != 1:
        head_parameters(network)


def fields_of(weights: Weights) -> dict[str, Any]:
    """The fields of the network that come with its weights, as `epsilon`, and not from the data or the recipe."""
    return {name: value for name, value in weights.fields.items() if name not in OF_THE_RUN}


def listed(keys: Iterable[str], limit: int = 3) -> str:
    """ "a, b, c and 2 more", or "none"."""
    keys = sorted(keys)
    more = f" and {len(keys) - limit} more" if len(keys) > limit else ""
    return ", ".join(keys[:limit]) + more if keys else "none"
