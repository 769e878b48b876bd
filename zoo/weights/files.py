"""Our own weights files: safetensors, with all that a network needs in the metadata. Nothing in one can run code."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jax
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as serialized

from zoo.data import Preprocessing
from zoo.data.dataset import path_safe
from zoo.data.preprocessing import channel_constants
from zoo.errors import ZooError
from zoo.models.network import Network
from zoo.models.variables import init_shapes
from zoo.registry import create_model, model_info
from zoo.runtime.atomic_files import replacing
from zoo.weights.tree import Path as TreePath
from zoo.weights.tree import filled_tree

FORMAT = "zoo 1"


@dataclass(frozen=True, kw_only=True)
class Weights:
    """A network's variables, and all that is needed to predict with them.

    `fields` are those of the network that are not the registry's default, as {"num_classes": 10}; JSON values.
    `class_names` may be empty where nobody knows them, and so may `dataset`, the name of what it was trained on.
    """

    model: str
    variables: Mapping[str, Any]
    preprocessing: Preprocessing
    fields: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    class_names: tuple[str, ...] = ()
    dataset: str = ""

    def network(self, **fields: Any) -> Network:
        """The network that has these variables; `fields` come before its own, as `dtype=jnp.bfloat16`."""
        return create_model(self.model, **{**self.fields, **fields})


def default_preprocessing(model_name: str, image_shape: tuple[int, int, int] | None = None) -> Preprocessing:
    """What the registry says of a network's images, by default of its own size."""
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
    """Write a safetensors file, whole or not at all; with `half` its kernels are float16, and float32 again once read.

    Raises ZooError where it cannot be written, or where a kernel has numbers that are beyond float16.
    """
    leaves = jax.tree.leaves_with_path(dict(weights.variables))
    arrays = {key_of(place): np.ascontiguousarray(_halved(leaf) if half else leaf) for place, leaf in leaves}
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


def _halved(leaf: np.ndarray) -> np.ndarray:
    leaf = np.asarray(leaf)
    if leaf.ndim < 2:
        return leaf
    with np.errstate(over="ignore"):
        short = leaf.astype(np.float16)
    if not np.isfinite(short).all():
        raise ZooError("a kernel has numbers that float16 cannot hold: save it without half")
    return short


def load(path: str | Path) -> Weights:
    """Read what `save` wrote.

    Raises ZooError for a file that is damaged or not ours, and for variables that are not the network's, which lists
    what is left over and what is missing.
    """
    path = Path(path)
    metadata, arrays = read_safetensors(path)
    if metadata.get("format") != FORMAT:
        raise ZooError(f"{path} is not one of zoo's own files: python -m zoo convert makes one of it")
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
    """A file from anywhere may name a data set, but no folder of this machine. Raises ValueError."""
    if dataset and (not isinstance(dataset, str) or path_safe(dataset) != dataset):
        raise ValueError(f"the data set is {dataset!r}, which is no name")
    return dataset or ""


def with_arrays(weights: Weights, arrays: Mapping[str, np.ndarray]) -> Weights:
    """The record with these variables, by their `key_of`. Raises ZooError where they are not its network's."""
    shapes = init_shapes(weights.network(), weights.preprocessing.image_shape)
    return replace(weights, variables=filled_tree(weights.model, shapes, arrays, key_of, lambda array, place: array))


def read_safetensors(path: Path) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """The metadata and the arrays of any safetensors file. Raises ZooError where it cannot be read."""
    try:
        with safe_open(path, "numpy") as file:
            return file.metadata() or {}, {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise ZooError(f"there is no file {path}") from None
    except (OSError, SafetensorError, TypeError) as error:
        reason = getattr(error, "strerror", None) or "not a safetensors file, or a damaged one"
        raise ZooError(f"cannot read {path}: {reason}") from None


def key_of(place: TreePath) -> str:
    """ "params/conv1/conv/kernel" for a leaf of the variables."""
    return "/".join(part.key for part in place)
