"""Pretrained variables as the start of a run on other classes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from zoo.errors import ZooError, list_some
from zoo.initializers import InitialValues, torch_default, zeros
from zoo.models.network import Network
from zoo.models.variables import init_shapes
from zoo.training.config.recipe import Recipe
from zoo.training.finetune.freezing import frozen_parameters, head_parameters
from zoo.training.finetune.layer_decay import layer_distances
from zoo.weights.files import Weights, key_of
from zoo.weights.head_and_aux import aux_leaves, head_leaves
from zoo.weights.network_fields import RUN_FIELDS

Variables = Mapping[str, Any]


def backbone_of(weights: Weights, network: Network) -> dict[str, Any]:
    """The pretrained variables, by key, that `network` starts from: all but the head and the auxiliary heads.

    The head is new even if the number of classes is the same. Raises ZooError, which lists what is missing, unexpected
    or of another shape.
    """
    head_parameters(network)
    new = {key_of(path) for path in head_leaves(network) | aux_leaves(network)}
    found = {key_of(path): leaf for path, leaf in jax.tree.leaves_with_path(dict(weights.variables))}
    expected = {key_of(path): leaf.shape for path, leaf in jax.tree.leaves_with_path(init_shapes(network))}
    backbone = {key: leaf for key, leaf in found.items() if key not in new}
    missing = expected.keys() - new - backbone.keys()
    unexpected = backbone.keys() - expected.keys()
    differing = {key for key in backbone.keys() & expected.keys() if backbone[key].shape != expected[key]}
    if missing or unexpected or differing:
        raise ZooError(
            f"these weights do not fit this {weights.model}: missing {list_some(missing)}; unexpected "
            f"{list_some(unexpected)}; of another shape {list_some(differing)}"
        )
    return backbone


def with_new_head(network: Network) -> Network:
    """The network whose linear layers start as torch's, with biases of 0: of them only the new head is kept.

    What the originals draw is for 1,000 classes: with ten, EfficientNet's head would start ten times as large. A
    network of the user's own has a head as its code says.
    """
    values = getattr(network, "initial_values", None)
    if not isinstance(values, InitialValues):
        return network
    return network.clone(initial_values=replace(values, dense_kernel=torch_default, dense_bias=zeros))


def insert_backbone(variables: Variables, backbone: Mapping[str, jax.Array | np.ndarray]) -> Variables:
    """The variables, with those whose key is in `backbone` replaced."""
    return jax.tree.map_with_path(lambda path, leaf: backbone.get(key_of(path), leaf), variables)


def check_trained_parts(network: Network, recipe: Recipe) -> None:
    """Raises ZooError if the network lacks what the recipe freezes, a head that it treats apart, or layers to decay."""
    frozen_parameters(network, recipe.freeze)
    if recipe.layer_decay != 1:
        layer_distances(network)
    if recipe.backbone_rate != 1 or recipe.clip_adaptive:
        head_parameters(network)


def fields_of(weights: Weights) -> dict[str, Any]:
    """The fields of the network that its weights decide, such as `epsilon`. Raises ZooError for folded weights."""
    if weights.fields.get("folded"):
        raise ZooError(
            f"these weights of {weights.model} cannot be trained: their batch norms are folded into the convolutions; "
            "start from the weights that are not folded"
        )
    return {name: value for name, value in weights.fields.items() if name not in RUN_FIELDS}
