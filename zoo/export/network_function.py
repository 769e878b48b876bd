"""The pure function that is exported: images in, named arrays out."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from zoo.data import Preprocessing
from zoo.errors import ZooError
from zoo.export.exportable import Exportable
from zoo.export.frames import fit_frames
from zoo.export.options import ExportOptions
from zoo.inference.features import Stacked, logits_and_outputs, network_errors
from zoo.models.variables import Variables

# Variables, and images [batch, height, width, channels], to arrays by name.
NetworkFunction = Callable[[Variables, Any], dict[str, jax.Array]]
LOGITS, PROBABILITIES = "logits", "probabilities"


def network_function(network: Exportable, options: ExportOptions) -> NetworkFunction:
    """The function of these options, in their `dtype`. Raises ZooError, also when it is traced, as `zoo.features`.

    A network of the user's that returns several arrays gives them by their paths.
    """
    preprocessing = used_preprocessing(network, options)
    model: Any = network.model
    if options.dtype != "float32":
        model = model.clone(dtype=jnp.dtype(options.dtype))

    def function(variables: Variables, images: Any) -> dict[str, jax.Array]:
        if preprocessing:
            fitted = fit_frames(images, preprocessing) if options.preprocess == "full" else images
            images = preprocessing.normalized(fitted)
        with network_errors(model, images):
            if options.features:
                _, outputs = logits_and_outputs(model, variables, images, options.features)
            else:
                outputs = {LOGITS: model.apply(variables, images)}
        named = _named(outputs)
        if options.softmax:
            named = {PROBABILITIES: jax.nn.softmax(_logits(named, network.name), axis=-1)}
        return {name: array.astype(jnp.float32) for name, array in named.items()}

    return function


def used_preprocessing(network: Exportable, options: ExportOptions) -> Preprocessing | None:
    """The preprocessing inside of the file; None for none. Raises ZooError where it is not known."""
    if options.preprocess == "none":
        return None
    if network.preprocessing is None:
        raise ZooError(
            f"how images are normalised for {network.name} is not known: give preprocessing, a zoo.data.Preprocessing, "
            "or leave out preprocess"
        )
    return network.preprocessing


def stored_variables(variables: Variables, options: ExportOptions) -> Variables:
    """The variables as the file has them: kernels in `dtype`, norms and biases in float32, as the network takes them.

    Raises ZooError for a kernel that overflows.
    """
    return jax.tree.map(lambda leaf: _as_dtype(leaf, jnp.dtype(options.dtype)), dict(variables))


def _as_dtype(leaf: np.ndarray, dtype: jnp.dtype) -> np.ndarray:
    if dtype == jnp.float32 or leaf.ndim < 2 or not jnp.issubdtype(leaf.dtype, jnp.floating):
        return leaf
    with np.errstate(over="ignore"):
        converted = leaf.astype(dtype)
    if not np.isfinite(converted.astype(np.float32)).all():
        raise ZooError(f"a kernel has values outside the range of {dtype}: export in float32, or bfloat16")
    return converted


def _named(outputs: Mapping[str, Any]) -> dict[str, jax.Array]:
    """{name: array}; of a module that returns several arrays each has its path after the module's."""
    named = {}
    for name, output in outputs.items():
        output = output.outputs if isinstance(output, Stacked) else output
        for path, array in jax.tree.leaves_with_path(output):
            inner = [str(getattr(part, "key", getattr(part, "idx", part))) for part in path]
            named["/".join([name, *inner])] = array
    return named


def _logits(named: Mapping[str, jax.Array], network: str) -> jax.Array:
    if list(named) != [LOGITS]:
        raise ZooError(f"{network} returns {len(named)} arrays, not logits: leave out softmax")
    return named[LOGITS].astype(jnp.float32)
