"""Several networks, and several views of each image, as one classifier: the mean of their probabilities."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np

from zoo.data.preprocessing import Preprocessing
from zoo.data.views import Views, split_views, stacked_views
from zoo.errors import ZooError
from zoo.inference.classifier import Classifier
from zoo.inference.prediction import float_dtype, top_k
from zoo.models.memory_forecast import check_inference_memory
from zoo.models.network import Network
from zoo.runtime.compiler_options import compiler_options

Scores = Callable[[Any, jax.Array], jax.Array]


@dataclass(frozen=True, eq=False)
class Member:
    """One of the networks.

    `scores` is a function of its variables and images uint8 [batch, height, width, channel]: logits float32
    [batch, classes], or log-probabilities where several are averaged.
    """

    network: Network
    preprocessing: Preprocessing
    variables: Any
    scores: Scores


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Networks whose probabilities are averaged, over the `views` of each image too."""

    members: tuple[Member, ...]
    views: Views

    @property
    def preprocessings(self) -> tuple[Preprocessing, ...]:
        """How images are read for them: all views of an image in one, each different one once."""
        return tuple(dict.fromkeys(stacked_views(one.preprocessing, self.views) for one in self.members))

    def scores(self, batches: Sequence[np.ndarray], put: Callable[[np.ndarray], jax.Array]) -> jax.Array:
        """[batch, classes]: their softmax is the mean of all probabilities.

        `batches` are the same images by each of `preprocessings`; `put` brings images to the devices.
        """
        total: jax.Array | None = None
        for one in self._each(batches, put):
            total = one if total is None else jnp.logaddexp(total, one)
        return cast(jax.Array, total)

    def _each(self, batches: Sequence[np.ndarray], put: Callable[[np.ndarray], jax.Array]) -> Iterator[jax.Array]:
        for preprocessing, stacked in zip(self.preprocessings, batches, strict=True):
            members = [one for one in self.members if stacked_views(one.preprocessing, self.views) == preprocessing]
            for view in split_views(stacked, members[0].preprocessing.image_shape, self.views):
                images = put(view)
                yield from (one.scores(one.variables, images) for one in members)

    def check_memory(self, batch: int) -> None:
        """Raises ZooError where a device has no memory for so many images at a time."""
        for one in self.members:
            check_inference_memory(one.network, one.preprocessing.image_shape, batch)

    def on_devices(self, put: Callable[[Any], Any]) -> "Ensemble":
        """With the variables where `put` brings them."""
        return Ensemble(tuple(replace(one, variables=put(one.variables)) for one in self.members), self.views)


def make_ensemble(
    weights: Sequence[Classifier], outputs: Sequence[tuple[int, ...]], views: Views, *, dtype: jnp.dtype
) -> Ensemble:
    """The networks of `weights`, of each of which these `outputs` count, computing in `dtype`.

    Raises DataError for views that the preprocessing of one does not allow.
    """
    averaged = len(weights) * views > 1
    members = []
    for one, chosen in zip(weights, outputs, strict=True):
        stacked_views(one.preprocessing, views)
        network = one.network(dtype=float_dtype(dtype))
        scores = score_function(network, one.preprocessing, chosen, averaged)
        members.append(Member(network, one.preprocessing, one.variables, scores))
    return Ensemble(tuple(members), views)


def score_function(network: Network, preprocessing: Preprocessing, outputs: tuple[int, ...], averaged: bool) -> Scores:
    """The jitted function of a `Member`."""
    try:
        return _kept_score_function(network, preprocessing, outputs, averaged)
    except TypeError:  # a field of a user's module may be an array, which has no hash
        return _score_function(network, preprocessing, outputs, averaged)


def _score_function(network: Network, preprocessing: Preprocessing, outputs: tuple[int, ...], averaged: bool) -> Scores:
    def compute(variables: Any, images: jax.Array) -> jax.Array:
        logits = cast(jax.Array, network.apply(variables, preprocessing.normalized(images))).astype(jnp.float32)
        if outputs != tuple(range(logits.shape[-1])):
            logits = logits[:, np.array(outputs)]
        # One network's own logits keep their order, which rounding of probabilities would not.
        return jax.nn.log_softmax(logits) if averaged else logits

    return jax.jit(compute, compiler_options=compiler_options())


# Kept, so that a second evaluation needs no new compilation; each takes some megabytes.
_kept_score_function = lru_cache(maxsize=8)(_score_function)


def best_classes(scores: jax.Array, count: int, images: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and classes of the `count` most probable, of the first `images`, both [images, count].

    Raises ZooError where they are not finite.
    """
    probabilities, classes = jax.device_get(top_k(scores, count))
    if not np.isfinite(probabilities[:images]).all():
        raise ZooError("the networks have outputs that are not finite: weights are damaged")
    return probabilities[:images], classes[:images]
