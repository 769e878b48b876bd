"""The most probable classes of images, in batches of one size."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np

from zoo.data import Preprocessing
from zoo.errors import ZooError
from zoo.inference.classifier import Classifier
from zoo.models.memory_forecast import check_inference_memory
from zoo.models.network import Network
from zoo.printable import quoted
from zoo.runtime.compiler_options import compiler_options
from zoo.runtime.limits import BATCH_SIZE, TOP

TopK = Callable[[Any, jax.Array | np.ndarray], tuple[jax.Array, jax.Array]]


@dataclass(frozen=True)
class Prediction:
    """One class and how probable it is, 0 to 1."""

    class_name: str
    index: int
    probability: float


def predict(
    weights: Classifier,
    images: Iterable[np.ndarray],
    *,
    batch_size: int = 32,
    top: int = 5,
    dtype: jnp.dtype = jnp.float32,
) -> Iterator[list[Prediction]]:
    """The `top` most probable classes of each image (uint8 [height, width, 1 or 3]), in descending order.

    Images are read lazily, a batch at a time. The network computes in `dtype` and is compiled once, for the size of the
    first batch; zeros pad a smaller last batch. Raises ZooError for an array that is no such image, and where the
    network's outputs are not finite.
    """
    BATCH_SIZE.check(batch_size, "batch_size")
    TOP.check(top, "top")
    names, dtype = output_names(weights), float_dtype(dtype)
    compute = top_k_function(weights, top, dtype)
    variables = jax.device_put(weights.variables)
    fitted, size = (_fitted(weights, image) for image in images), None
    while batch := list(islice(fitted, batch_size)):
        if size is None:
            size = len(batch)
            check_inference_memory(weights.network(dtype=dtype), weights.preprocessing.image_shape, size)
        padded = np.zeros((size, *weights.preprocessing.image_shape), np.uint8)
        padded[: len(batch)] = batch
        for probabilities, indices in zip(*fetch_top_k(weights, *compute(variables, padded), len(batch)), strict=True):
            found = zip(probabilities.tolist(), indices.tolist(), strict=True)
            yield [Prediction(names[index], index, probability) for probability, index in found]


def top_k_function(weights: Classifier, count: int, dtype: jnp.dtype = jnp.float32) -> TopK:
    """A jitted function of variables and uint8 images of the network's size; the network computes in `dtype`.

    It returns probabilities and class indices as `top_k` does; fewer than `count` where the network has fewer classes.
    """
    network = weights.network(dtype=float_dtype(dtype))
    count = min(count, network.num_classes)
    try:
        return _kept_top_k_function(network, weights.preprocessing, count)
    except TypeError:  # a field of a user's module may be an array, which has no hash
        return _top_k_function(network, weights.preprocessing, count)


def _top_k_function(network: Network, preprocessing: Preprocessing, count: int) -> TopK:
    def compute(variables: Any, images: jax.Array) -> tuple[jax.Array, jax.Array]:
        logits = cast(jax.Array, network.apply(variables, preprocessing.normalized(images)))
        return top_k(logits, count)

    return jax.jit(compute, compiler_options=compiler_options())


# Kept, so that in a notebook the next image needs no new compilation; each takes some megabytes.
_kept_top_k_function = lru_cache(maxsize=8)(_top_k_function)


def float_dtype(dtype: Any) -> jnp.dtype:
    """The type in which a network computes. Raises ZooError for what is no type of floating-point numbers."""
    try:
        found = jnp.dtype(dtype)
    except TypeError:
        found = None
    if found is None or not jnp.issubdtype(found, jnp.floating):
        raise ZooError(f"dtype is {quoted(dtype)}: a network computes in float32 or bfloat16")
    return found


def top_k(logits: jax.Array, count: int) -> tuple[jax.Array, jax.Array]:
    """Probabilities and indices of the `count` most probable classes, both [batch, count], in descending order."""
    # Ranked by logits: probabilities that round to 0 are equal.
    logits = logits.astype(jnp.float32)
    best, indices = jax.lax.top_k(logits, count)
    return jnp.exp(best - jax.nn.logsumexp(logits, axis=-1, keepdims=True)), indices


def fetch_top_k(
    weights: Classifier, probabilities: jax.Array, indices: jax.Array, images: int
) -> tuple[np.ndarray, np.ndarray]:
    """The first `images` rows of `top_k_function`'s results, on the host. Raises ZooError where they are not finite."""
    fetched, classes = jax.device_get((probabilities[:images], indices[:images]))
    if not np.isfinite(fetched).all():
        raise ZooError(f"{weights.model} has outputs that are not finite: its weights are damaged")
    return fetched, classes


def output_names(weights: Classifier) -> tuple[str, ...]:
    """One name per output of the network, such as "class 17" where names are not known.

    Raises ZooError where the network has no classifier, or the number of names differs from its outputs.
    """
    outputs = weights.network().num_classes
    if not outputs:
        raise ZooError(f"these weights of {weights.model} have no classifier: use weights with one")
    names = weights.class_names or tuple(f"class {index}" for index in range(outputs))
    if len(names) != outputs:
        raise ZooError(f"these weights of {weights.model} have {outputs} outputs, but {len(names)} class names")
    return names


def _fitted(weights: Classifier, image: np.ndarray) -> np.ndarray:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, 3):
        raise ZooError(f"an image is {image.dtype} {image.shape}: it is uint8 [height, width, 1 or 3]")
    return weights.preprocessing.fitted(image)
