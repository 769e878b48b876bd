"""zoo's own weights files: safetensors with the network's fields in the metadata. Reading one never runs code."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from io import BufferedReader
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jax
import numpy as np
from safetensors.numpy import save as serialized

from zoo.data import Preprocessing
from zoo.data.dataset import path_safe
from zoo.data.preprocessing import channel_constants
from zoo.errors import ZooError
from zoo.models.network import Network
from zoo.models.variables import init_shapes
from zoo.registry import create_model, model_info
from zoo.runtime.atomic_files import replacing
from zoo.weights.safetensors_file import read_safetensors
from zoo.weights.stored_array import open_weights
from zoo.weights.variable_tree import TreePath, fill_variables

FORMAT = "zoo 1"


@dataclass(frozen=True, kw_only=True)
class Weights:
    """The variables of a network with its fields, preprocessing and class names.

    `fields` are the network's fields that differ from the registry's defaults, such as {"num_classes": 10}; values
    are those of JSON. `class_names` are the names of the outputs, in order. `dataset` is the name of the training data
    set. Both are empty where they are not known.
    """

    model: str
    variables: Mapping[str, Any]
    preprocessing: Preprocessing
    fields: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    class_names: tuple[str, ...] = ()
    dataset: str = ""

    def network(self, **fields: Any) -> Network:
        """The network of these variables; `fields`, such as `dtype=jnp.bfloat16`, override the stored ones."""
        return create_model(self.model, **{**self.fields, **fields})


def default_preprocessing(model_name: str, image_shape: tuple[int, int, int] | None = None) -> Preprocessing:
    """The registry's preprocessing of a network, by default for its own image shape (height, width, channels)."""
    info = model_info(model_name)
    image_shape = image_shape or (info.input_size, info.input_size, info.channels)
    return Preprocessing(
        image_shape=image_shape,
        mean=channel_constants(info.mean, image_shape[2]),
        std=channel_constants(info.std, image_shape[2]),
        crop=info.crop,
        interpolation=info.interpolation,
    )


def save(path: str | Path, weights: Weights, *, half: bool = False) -> None:
    """Write a safetensors file atomically. `half` stores kernels as float16; `load` gives float32 again.

    Variables that `fold_batchnorm` made are stored with the field `folded`. Raises ZooError where the file cannot be
    written, or a kernel has values outside the range of float16.
    """
    weights = _with_folded_field(weights)
    leaves = jax.tree.leaves_with_path(dict(weights.variables))
    arrays = {key_of(path): np.ascontiguousarray(_to_float16(leaf) if half else leaf) for path, leaf in leaves}
    described = {
        "model": weights.model,
        "fields": dict(weights.fields),
        "class_names": weights.class_names,
        "preprocessing": asdict(weights.preprocessing),
        **({"dataset": weights.dataset} if weights.dataset else {}),
    }
    metadata = {"format": FORMAT, **{name: json.dumps(value) for name, value in described.items()}}
    with replacing(Path(path)) as unfinished:
        unfinished.write_bytes(serialized(arrays, metadata))


def _with_folded_field(weights: Weights) -> Weights:
    """The same weights, with the field `folded` where `fold_batchnorm` made the variables.

    Raises ZooError where the network has batch norms, the variables have none, and they are not the folded network's.
    """
    if weights.variables.get("batch_stats") or weights.fields.get("folded"):
        return weights
    shape = weights.preprocessing.image_shape
    network = weights.network()
    if "batch_stats" not in init_shapes(network, shape):
        return weights
    folded = replace(weights, fields={**weights.fields, "folded": True})
    if not hasattr(network, "folded") or _shapes(init_shapes(folded.network(), shape)) != _shapes(weights.variables):
        raise ZooError(f"not the variables of {weights.model}: they have no batch_stats")
    return folded


def _shapes(variables: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {key_of(path): np.shape(leaf) for path, leaf in jax.tree.leaves_with_path(dict(variables))}


def _to_float16(leaf: np.ndarray) -> np.ndarray:
    leaf = np.asarray(leaf)
    if leaf.ndim < 2:
        return leaf
    with np.errstate(over="ignore"):
        half = leaf.astype(np.float16)
    if not np.isfinite(half).all():
        raise ZooError("a kernel has values outside the range of float16: save without half")
    return half


def load(path: str | Path) -> Weights:
    """Read what `save` wrote.

    Raises ZooError for a file that is damaged or was not written by `save`, and where its variables are not the
    network's; the message names the keys that are missing and left over.
    """
    with open_weights(path) as file:
        return load_file(file)


def load_file(file: BufferedReader) -> Weights:
    """`load` of an open file."""
    path, stored_file = Path(file.name), read_safetensors(file)
    metadata, arrays = stored_file.metadata, stored_file.arrays
    if metadata.get("format") != FORMAT:
        raise ZooError(f"{path} is not a weights file of zoo: convert it with python -m zoo convert")
    try:
        stored = {name: json.loads(value) for name, value in metadata.items() if name != "format"}
        weights = Weights(
            model=stored["model"],
            variables={},
            preprocessing=Preprocessing.from_json(stored["preprocessing"]),
            fields=stored["fields"],
            class_names=tuple(stored["class_names"]),
            dataset=_plain_name(stored.get("dataset", "")),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ZooError(f"{path} has metadata that cannot be read: {error}") from None
    return with_arrays(weights, arrays)


def _plain_name(dataset: Any) -> str:
    """The stored name of a data set, which must not be a path: files come from anywhere. Raises ValueError."""
    if dataset and (not isinstance(dataset, str) or path_safe(dataset) != dataset):
        raise ValueError(f"the data set is {dataset!r}, which is not a plain name")
    return dataset or ""


def with_arrays(weights: Weights, arrays: Mapping[str, Any]) -> Weights:
    """The same weights with other variables, {`key_of`: array}. Raises ZooError where they are not the network's."""
    shapes = init_shapes(weights.network(), weights.preprocessing.image_shape)
    return replace(weights, variables=fill_variables(weights.model, shapes, arrays, key_of, lambda array, path: array))


def key_of(path: TreePath) -> str:
    """The pytree path of a leaf as text, "params/conv1/conv/kernel"."""
    return "/".join(part.key for part in path)
