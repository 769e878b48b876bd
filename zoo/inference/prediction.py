"""The most probable classes of images, in batches of one size."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from zoo.errors import ZooError
from zoo.runtime.compiler_options import compiler_options
from zoo.weights.files import Weights

TopClasses = Callable[[Any, jax.Array], tuple[jax.Array, jax.Array]]


@dataclass(frozen=True)
class Prediction:
    """One class and how probable it is, 0 to 1."""

    class_name: str
    index: int
    probability: float


def predict(
    weights: Weights,
    images: Iterable[np.ndarray],
    *,
    batch_size: int = 32,
    top: int = 5,
    dtype: jnp.dtype = jnp.float32,
) -> Iterator[list[Prediction]]:
    """For each image, uint8 [height, width, 1 or 3], its `top` most probable classes, the first the most probable.

    Results come a batch at a time, and images are taken as they are needed. The network is compiled once: for the size
    of the first batch, to which zeros fill a smaller last one, and computes in `dtype`. Raises ZooError for what is no
    image, and where the network gives no finite numbers.
    """
    if min(batch_size, top) < 1:
        raise ZooError(f"batch_size is {batch_size} and top is {top}: both are at least 1")
    names = class_names(weights)
    compute = jax.jit(top_classes(weights, top, dtype), compiler_options=compiler_options())
    variables = jax.device_put(weights.variables)
    fitted, size = (_fitted(weights, image) for image in images), None
    while batch := list(islice(fitted, batch_size)):
        size = size or len(batch)
        padded = np.zeros((size, *weights.preprocessing.image_shape), np.uint8)
        padded[: len(batch)] = batch
        for probabilities, indices in zip(*to_host(weights, *compute(variables, padded), len(batch)), strict=True):
            found = zip(probabilities.tolist(), indices.tolist(), strict=True)
            yield [Prediction(names[index], index, probability) for probability, index in found]


def top_classes(weights: Weights, count: int, dtype: jnp.dtype = jnp.float32) -> TopClasses:
    """A function of variables and uint8 images of the right size, to be jitted; the network computes in `dtype`.

    It gives probabilities and class indices, both [batch, count], the most probable first; fewer where the network has
    fewer classes.
    """
    network, normalized = weights.network(dtype=jnp.dtype(dtype)), weights.preprocessing.normalized
    count = min(count, network.num_classes)

    def compute(variables: Any, images: jax.Array) -> tuple[jax.Array, jax.Array]:
        return most_probable(network.apply(variables, normalized(images)), count)

    return compute


def most_probable(logits: jax.Array, count: int) -> tuple[jax.Array, jax.Array]:
    """Probabilities and class indices, both [batch, count], the most probable first."""
    # Of the logits: probabilities are equal where they round to 0.
    best, indices = jax.lax.top_k(logits, count)
    return jnp.exp(best - jax.nn.logsumexp(logits, axis=-1, keepdims=True)), indices


def to_host(
    weights: Weights, probabilities: jax.Array, indices: jax.Array, images: int
) -> tuple[np.ndarray, np.ndarray]:
    """The first `images` rows of what `top_classes` gives. Raises ZooError where they are not finite."""
    probabilities, indices = jax.device_get((probabilities[:images], indices[:images]))
    if not np.isfinite(probabilities).all():
        raise ZooError(f"{weights.model} gives numbers that are not finite: its weights are damaged")
    return probabilities, indices


def class_names(weights: Weights) -> tuple[str, ...]:
    """A name an output of the network, "class 17" where nobody knows them. Raises ZooError where there is no such."""
    outputs = weights.network().num_classes
    if not outputs:
        raise ZooError(f"these weights of {weights.model} have no classifier: they cannot name a class")
    names = weights.class_names or tuple(f"class {index}" for index in range(outputs))
    if len(names) != outputs:
        raise ZooError(f"these weights of {weights.model} tell {outputs} classes apart, but name {len(names)}")
    return names


def _fitted(weights: Weights, image: np.ndarray) -> np.ndarray:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, 3):
        raise ZooError(f"an image is {image.dtype} {image.shape}: it is uint8 [height, width, 1 or 3]")
    return weights.preprocessing.fitted(image)
