"""zoo's own weights files: safetensors with the network's fields in the metadata. Reading one never runs code."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BufferedReader
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from safetensors.numpy import save as serialized

from zoo.data import DataError, DataOrigin, Preprocessing
from zoo.data.image_inputs import ImageInputs, named_images
from zoo.data.preprocessing import channel_constants
from zoo.errors import ZooError
from zoo.inference.feature_pyramid import FeaturePyramid
from zoo.inference.make_pyramid import feature_pyramid
from zoo.inference.predictions import Predictions, predict_named
from zoo.models.network import Network
from zoo.models.variables import init_shapes
from zoo.printable import one_line, printable_names, quoted
from zoo.registry import create_model, model_info, model_source
from zoo.runtime.atomic_files import replacing
from zoo.runtime.html_tables import html_facts
from zoo.runtime.records import with_advice
from zoo.weights.description import facts_about
from zoo.weights.metadata import WeightsMetadata, metadata_texts, parse_metadata
from zoo.weights.network_fields import network_fields
from zoo.weights.safetensors_file import read_safetensors
from zoo.weights.source import WeightsSource, made_from, source_of_own_file
from zoo.weights.stored_array import open_weights
from zoo.weights.variable_tree import TreePath, fill_variables

FORMAT = "zoo 1"


@dataclass(frozen=True, kw_only=True, repr=False)
class Weights:
    """The variables of a network with its fields, preprocessing and class names: all that a prediction needs.

    `model` is the network's name, and `model, variables = weights` gives the network itself and its variables. `fields`
    are the network's fields that differ from the registry's defaults, such as {"num_classes": 10}; values
    are those of JSON. `class_names` are the names of the outputs, in order, shown as by `printable`. `dataset` is the
    name of the training data set. Both are empty where they are not known. `data` says where that data set is; a file
    says the kind of the place, without paths. `source` is the file they were read from.
    """

    model: str
    variables: Mapping[str, Any]
    preprocessing: Preprocessing
    fields: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    class_names: tuple[str, ...] = ()
    dataset: str = ""
    data: DataOrigin = field(default_factory=DataOrigin)
    source: WeightsSource | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_names", printable_names(self.class_names))

    def network(self, **fields: Any) -> Network:
        """The network of these variables; `fields`, such as `dtype=jnp.bfloat16`, override the stored ones."""
        shape = {"image_shape": self.preprocessing.image_shape} if model_info(self.model).source else {}
        return create_model(self.model, **{**shape, **self.fields, **fields})

    def feature_pyramid(
        self, out_indices: Sequence[int] | None = None, output_stride: int = 32, **settings: Any
    ) -> tuple[FeaturePyramid, dict[str, Any]]:
        """`zoo.feature_pyramid` of this network, and those of its variables that the pyramid has.

        `settings` are `layers`, `frozen_stages` and fields of the network, which override the stored ones.
        """
        # Of grey images the first layer is another one.
        shape = {"image_shape": self.preprocessing.image_shape}
        pyramid = feature_pyramid(self.model, out_indices, output_stride, **{**shape, **self.fields, **settings})
        return pyramid, pyramid.variables_of(self.variables)

    def preprocess(self, images: ImageInputs) -> jax.Array:
        """Images as the network takes them: float32 [batch, height, width, channels], scaled, cropped and normalised.

        `images` is a path of a file or a folder, a PIL image, an array of pixels from 0 to 255 [height, width,
        channels] or [batch, height, width, channels], or several of these. Raises DataError for all else, and for a
        file that cannot be read.
        """
        fitted = [self.preprocessing.fitted(image.pixels) for image in named_images(images)]
        if not fitted:
            raise DataError("there are no images: give at least one")
        return self.preprocessing.normalized(jnp.asarray(np.stack(fitted)))

    def predict(
        self, images: ImageInputs, *, top: int = 5, batch_size: int = 32, dtype: Any = jnp.float32
    ) -> Predictions:
        """The `top` most probable classes of each image; `images` are those of `preprocess`.

        A batch of them is read at a time. The network computes in `dtype`. Raises ZooError for what is no image, and
        for weights without a classifier.
        """
        return predict_named(self, images, top=top, batch_size=batch_size, dtype=dtype)

    def __iter__(self) -> Iterator[Any]:
        """The network and its variables."""
        return iter((self.network(), dict(self.variables)))

    def __repr__(self) -> str:
        """A few lines, without the arrays."""
        facts = facts_about(self, self.source)
        return "\n".join([f"Weights of {self.model}", *(f"  {name}: {value}" for name, value in facts)])

    def _repr_html_(self) -> str:
        """For notebooks."""
        return html_facts(f"Weights of {self.model}", facts_about(self, self.source))


def default_preprocessing(model_name: str, image_shape: tuple[int, int, int] | None = None) -> Preprocessing:
    """The registry's preprocessing of a network, by default for its own image shape (height, width, channels)."""
    info = model_info(model_name)
    image_shape = image_shape or (info.input_size, info.input_size, info.channels)
    return Preprocessing(
        image_shape=image_shape,
        mean=channel_constants(info.mean, image_shape[2]),
        std=channel_constants(info.std, image_shape[2]),
        fit=info.fit,
        crop=info.crop,
        interpolation=info.interpolation,
    )


def save(path: str | Path, weights: Weights, *, half: bool = False) -> None:
    """Write a safetensors file atomically. `half` stores kernels as float16; `load` gives float32 again.

    Variables that `fold_batchnorm` made are stored with the field `folded`. Raises ZooError where the file cannot be
    written, or a kernel has values outside the range of float16.
    """
    weights = _with_folded_field(weights)
    metadata = _metadata_of(weights, path)
    leaves = jax.tree.leaves_with_path(dict(weights.variables))
    arrays = {key_of(path): np.ascontiguousarray(_to_float16(leaf) if half else leaf) for path, leaf in leaves}
    with replacing(Path(path)) as unfinished:
        unfinished.write_bytes(serialized(arrays, {"format": FORMAT, **metadata}))


def _metadata_of(weights: Weights, path: str | Path) -> dict[str, str]:
    """Raises ZooError for what `load` would refuse."""
    texts = metadata_texts(
        WeightsMetadata(
            model=weights.model,
            fields=network_fields(weights.model, weights.fields, str(path)),
            class_names=weights.class_names,
            preprocessing=weights.preprocessing,
            dataset=weights.dataset,
            data=weights.data.for_others(),
            model_source=model_source(weights.model),
            made_from=made_from(weights.source),
        )
    )
    parse_metadata(texts, str(path))
    return texts


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


def load(path: str | Path, model: str | None = None) -> Weights:
    """Read what `save` wrote. `model` is the network where the file's is not zoo's own and is not known by its name.

    Raises ZooError for a file that is damaged or was not written by `save`, and where its variables are not the
    network's; the message names the keys that are missing and left over.
    """
    with open_weights(path) as file:
        return load_file(file, model)


def load_file(file: BufferedReader, model: str | None = None) -> Weights:
    """`load` of an open file."""
    path, stored_file = Path(file.name), read_safetensors(file)
    check_format(stored_file.metadata, path)
    texts = {name: text for name, text in stored_file.metadata.items() if name != "format"}
    with with_advice("get the file again, or convert its weights again"):
        stated = dict(vars(parse_metadata(texts, str(path), model)))
    del stated["model_source"]
    made_from_published = stated.pop("made_from")
    weights = with_arrays(Weights(variables={}, **stated), stored_file.arrays)
    outputs = weights.network().num_classes
    if weights.class_names and len(weights.class_names) != outputs:
        raise ZooError(f"{path} has {len(weights.class_names)} class names for {outputs} classes: convert it again")
    # The digest takes a second per gigabyte: of a file that is accepted, and so not larger than the network.
    return replace(weights, source=source_of_own_file(file, made_from_published))


def check_format(metadata: Mapping[str, str], path: Path) -> None:
    """Raises ZooError for the metadata of a file that is not zoo's own, or of a newer format."""
    stated = metadata.get("format", "")
    if stated != FORMAT:
        if stated.startswith("zoo "):
            raise ZooError(f"{path} has the format {quoted(stated)} of a newer zoo, and this version reads {FORMAT!r}")
        raise ZooError(f"{path} is not a weights file of zoo: convert it with zoo convert")


def with_arrays(weights: Weights, arrays: Mapping[str, Any]) -> Weights:
    """The same weights with other variables, {`key_of`: array}. Raises ZooError where they are not the network's."""
    shapes = variable_shapes(weights)
    return replace(weights, variables=fill_variables(weights.model, shapes, arrays, key_of, lambda array, path: array))


def variable_shapes(weights: Weights) -> dict[str, Any]:
    """The shapes of the network's variables. Raises ZooError where the fields do not go together."""
    try:
        return init_shapes(weights.network(), weights.preprocessing.image_shape)
    except ZooError:
        raise
    except Exception as error:  # of a layer, in many classes: each field is in its range, their combination is not
        stated = ", ".join(f"{name}={value}" for name, value in weights.fields.items()) or "its image size"
        first_line = next(iter(str(error).splitlines()), type(error).__name__)
        raise ZooError(f"no {weights.model} has {stated}: {one_line(first_line)}") from None


def key_of(path: TreePath) -> str:
    """The pytree path of a leaf as text, "params/conv1/conv/kernel"."""
    return "/".join(part.key for part in path)
