"""`Weights` from a state dict of another library: its key map, number of classes, fields and preprocessing."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.registry import create_model, model_info
from zoo.weights.files import Weights, default_preprocessing
from zoo.weights.head_and_aux import Part, head_leaves
from zoo.weights.key_maps import find_key_map
from zoo.weights.published import PublishedWeights, imagenet_classes, published_weights
from zoo.weights.torch import from_torch, recognise_key_map, torch_key

IMAGENET_CLASSES = 1000


def from_state_dict(
    model_name: str,
    state_dict: Mapping[str, np.ndarray],
    key_map: str = "",
    published: PublishedWeights | None = None,
) -> Weights:
    """Weights of a network from a state dict with the keys of the library `key_map`, by default recognised.

    `published` is the record of the file where it is known: it has the preprocessing, and the fields with which the
    network computes as the original does. Otherwise the registry's preprocessing is used, and the fields that all
    published weights with this key map have in common. Auxiliary heads are left out. Raises ZooError where the state
    dict is not of this network.
    """
    info = model_info(model_name)
    key_map = key_map or (published.key_map if published else recognise_key_map(model_name, state_dict))
    fields = dict(published.fields if published else common_fields(model_name, key_map))
    model = create_model(model_name, **fields)
    classes = count_classes(model_name, state_dict, key_map)
    if classes != model.num_classes:
        fields["num_classes"] = classes
        model = create_model(model_name, **fields)
    skip: tuple[Part, ...] = ("aux",) if hasattr(model, "aux_heads") else ()
    return Weights(
        model=model_name,
        variables=from_torch(model_name, state_dict, key_map, model=model, skip=skip),
        preprocessing=published.preprocessing if published else default_preprocessing(model_name),
        fields=fields,
        class_names=imagenet_classes() if classes == info.num_classes == IMAGENET_CLASSES else (),
    )


def common_fields(model_name: str, key_map: str) -> Mapping[str, Any]:
    """The fields that all published weights of a network with this key map need, empty where they differ."""
    needed = [published.fields for published in published_weights(model_name) if published.key_map == key_map]
    return needed[0] if needed and all(fields == needed[0] for fields in needed) else {}


def count_classes(model_name: str, state_dict: Mapping[str, np.ndarray], key_map: str) -> int:
    """The number of outputs of a state dict's classifier; the registry's number of classes where it has none.

    Raises ZooError where parts of the classifier have different numbers of outputs.
    """
    mapping, model = find_key_map(model_name, key_map), create_model(model_name)
    keys = (torch_key(path, mapping) for path in head_leaves(model))
    outputs = {len(state_dict[key]) for key in keys if key in state_dict}
    if len(outputs) > 1:
        raise ZooError(f"not the weights of {model_name}: parts of its classifier have {sorted(outputs)} outputs")
    return outputs.pop() if outputs else model.num_classes


def published_in_snapshot(model_name: str, folder: Path) -> PublishedWeights | None:
    """The published weights that a folder is a copy of, according to its config.json (timm's); None without one."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        repository = f"timm/{config['architecture']}.{config['pretrained_cfg']['tag']}"
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return next((published for published in published_weights(model_name) if published.hub == repository), None)


def published_with_digest(model_name: str, sha256: str) -> PublishedWeights | None:
    """The published weights of a network whose file has this SHA-256, as far as their digests are known."""
    known = (published for published in published_weights(model_name) if published.sha256)
    return next((published for published in known if sha256.startswith(published.sha256)), None)
