"""`Weights` from a state dict of another library: its key map, number of classes, fields and preprocessing."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.errors import ZooError, ZooWarning, list_some
from zoo.registry import create_model
from zoo.weights.files import Weights, default_preprocessing
from zoo.weights.head_and_aux import Part, head_leaves
from zoo.weights.key_maps import find_key_map
from zoo.weights.origin import Origin
from zoo.weights.published import PublishedWeights, published_weights
from zoo.weights.timm_architectures import TIMM_ARCHITECTURES
from zoo.weights.torch import from_matched
from zoo.weights.torch_keys import MatchedKeys, match_keys, torch_key


def from_state_dict(model_name: str, state_dict: Mapping[str, Any], origin: Origin | None = None) -> Weights:
    """Weights of a network from a state dict, with what is known of its `origin`.

    Where it is not known, the library of the keys and the fields are recognised by the keys, and the registry's
    preprocessing is used. Class names are kept where they are one per output. Auxiliary heads are left out. Raises
    ZooError where the state dict is not of this network, and where the fields cannot be told.
    """
    origin = origin or Origin()
    matched = match_keys(model_name, state_dict, origin.key_map or None)
    fields = dict(fields_by_keys(model_name, matched.key_map) if origin.fields is None else origin.fields)
    fields |= find_key_map(model_name, matched.key_map).fields
    model = create_model(model_name, **fields)
    classes = count_classes(model_name, matched)
    if classes != model.num_classes:
        fields["num_classes"] = classes
        model = create_model(model_name, **fields)
    skip: tuple[Part, ...] = ("aux",) if hasattr(model, "aux_heads") else ()
    if origin.preprocessing is None:
        _warn_of_other_means(model_name, matched.key_map)
    return Weights(
        model=model_name,
        variables=from_matched(model_name, matched, model=model, skip=skip),
        preprocessing=origin.preprocessing or default_preprocessing(model_name),
        fields=fields,
        class_names=origin.class_names if len(origin.class_names) == classes else (),
    )


def fields_by_keys(model_name: str, key_map: str) -> Mapping[str, Any]:
    """The fields that all published weights of a network with these keys need; empty where there are none.

    Raises ZooError where they differ, or architectures of timm's with these keys do: computed with another padding or
    epsilon, the outputs are wrong and nothing else shows it.
    """
    by_name = {published.tag: published.fields for published in _with_these_keys(model_name, key_map)}
    if key_map == "timm":
        by_name = {**TIMM_ARCHITECTURES.get(model_name, {}), **by_name}
    distinct: list[tuple[str, Mapping[str, Any]]] = []
    for name, fields in by_name.items():
        if all(fields != other for _, other in distinct):
            distinct.append((name, fields))
    if len(distinct) > 1:
        names = " and of ".join(f"{name} ({_as_text(fields)})" for name, fields in distinct)
        example = distinct[0][0]
        raise ZooError(
            f"the keys are those of {names} alike, which compute {model_name} differently: say what it was trained "
            f"as, like={example!r} or convert --from {example}, or keep timm's config.json beside the file"
        )
    return distinct[0][1] if distinct else {}


def _with_these_keys(model_name: str, key_map: str) -> list[PublishedWeights]:
    mapping = find_key_map(model_name, key_map)
    return [one for one in published_weights(model_name) if find_key_map(model_name, one.key_map) == mapping]


def _warn_of_other_means(model_name: str, key_map: str) -> None:
    """A ZooWarning where published weights with these keys take images with other means than the registry says."""
    assumed = default_preprocessing(model_name)
    others = [
        one.tag
        for one in _with_these_keys(model_name, key_map)
        if (one.preprocessing.mean, one.preprocessing.std) != (assumed.mean, assumed.std)
    ]
    if others:
        text = (
            f"{model_name}: images are normalised with the mean {assumed.mean} and deviation {assumed.std}, which the "
            f"file does not state; weights with the same keys take others ({list_some(others)})"
        )
        warnings.warn(text, ZooWarning, stacklevel=3)


def _as_text(fields: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in fields.items()) or "no fields"


def count_classes(model_name: str, matched: MatchedKeys) -> int:
    """The number of outputs of a state dict's classifier; the registry's number of classes where it has none.

    Raises ZooError where parts of the classifier have different numbers of outputs.
    """
    mapping, model = find_key_map(model_name, matched.key_map), create_model(model_name)
    keys = (torch_key(path, mapping) for path in head_leaves(model))
    outputs = {np.shape(matched.arrays[key])[:1] for key in keys if key in matched.arrays}
    if len(outputs) > 1 or () in outputs:
        raise ZooError(f"not the weights of {model_name}: parts of its classifier have {sorted(outputs)} outputs")
    return outputs.pop()[0] if outputs else model.num_classes
