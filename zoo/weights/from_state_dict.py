"""Other libraries' weights as ours: whose they are, how many classes they have, and what computes with them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.registry import create_model, model_info
from zoo.weights.files import Weights, default_preprocessing
from zoo.weights.head_and_aux import head_leaves
from zoo.weights.key_maps import names_of
from zoo.weights.published import Source, class_names, known_sources
from zoo.weights.torch import from_torch, recognised_source, torch_key

IMAGENET = 1000


def from_state_dict(
    name: str, state: Mapping[str, np.ndarray], keys: str = "", source: Source | None = None
) -> Weights:
    """Weights of the network `name` from a state dict with another library's `keys`, or recognised ones.

    `source` is where the file is from, if that is known: it has the preprocessing, and the fields of the network that
    computes as the original does. Else the registry's preprocessing is taken, and fields that all known sources with
    such keys agree on. Auxiliary heads are left out. Raises ZooError for another network's weights.
    """
    info = model_info(name)
    keys = keys or (source.keys if source else recognised_source(name, state))
    fields = dict(source.fields if source else agreed_fields(name, keys))
    model = create_model(name, **fields)
    classes = classes_of(name, state, keys)
    if classes != model.num_classes:
        fields["num_classes"] = classes
        model = create_model(name, **fields)
    return Weights(
        model=name,
        variables=from_torch(name, state, keys, model=model, skip="aux" if hasattr(model, "aux_heads") else ()),
        preprocessing=source.preprocessing if source else default_preprocessing(name),
        fields=fields,
        class_names=class_names() if classes == info.num_classes == IMAGENET else (),
    )


def agreed_fields(name: str, keys: str) -> Mapping[str, Any]:
    """The fields that all known sources of a network with these keys need, where they are the same."""
    needed = [source.fields for source in known_sources(name) if source.keys == keys]
    return needed[0] if needed and all(fields == needed[0] for fields in needed) else {}


def classes_of(name: str, state: Mapping[str, np.ndarray], keys: str) -> int:
    """How many classes a state dict is for, by the length of its classifier; the registry's where it has none."""
    names, model = names_of(name, keys), create_model(name)
    lengths = {len(state[key]) for path in head_leaves(model) if (key := torch_key(path, names)) in state}
    if len(lengths) > 1:
        raise ZooError(f"not the weights of {name}: parts of its classifier have {sorted(lengths)} outputs")
    return lengths.pop() if lengths else model.num_classes


def source_of_snapshot(name: str, folder: Path) -> Source | None:
    """The source that a folder with timm's config.json is a copy of, if it is a known one."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        repository = f"timm/{config['architecture']}.{config['pretrained_cfg']['tag']}"
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return next((source for source in known_sources(name) if source.hub == repository), None)


def source_with_digest(name: str, sha256: str) -> Source | None:
    """The source whose file has this SHA-256, as far as that is known."""
    return next((s for s in known_sources(name) if s.sha256 and sha256.startswith(s.sha256)), None)
