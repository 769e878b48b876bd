"""One pass over all images for everything that the report needs of them, so that no data set is processed twice."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from zoo.data import Preprocessing, eval_batches
from zoo.inference.prediction import fetch_top_k, top_k
from zoo.report.learned.activations_by_name import apply_with_activations
from zoo.visualize.methods.jit_cache import jit_cached
from zoo.visualize.methods.top_activations import TopActivations, TopK, empty_top_k, to_top_activations, update_top_k
from zoo.visualize.network_and_images import ImageSet, ProgressBar, TrainedNetwork
from zoo.visualize.projection_groups import TILES_PER_GROUP

BATCH_SIZE = 64
TOP_CLASSES = 5


@dataclass(frozen=True, eq=False)
class PredictedClasses:
    """The classes predicted for images; `labels` [images] are the true classes, -1 for unknown.

    `classes` and `probabilities` [images, up to 5] are the most probable classes, the most probable first.
    """

    labels: np.ndarray
    classes: np.ndarray
    probabilities: np.ndarray


@dataclass(frozen=True, eq=False)
class UnitActivity:
    """On how many images each unit of an activation is above zero at any position: `active` is int [units]."""

    layer: str
    active: np.ndarray

    @property
    def units(self) -> int:
        """The number of units."""
        return len(self.active)

    @property
    def dead(self) -> list[int]:
        """The units that are active on no image."""
        return np.flatnonzero(self.active == 0).tolist()


@dataclass(frozen=True, eq=False)
class ActivationSurvey:
    """Each layer's strongest activations, the activity of all units, and the predictions, over a set of images.

    `labels` [images] are the true classes, -1 for unknown. `predictions` is None for a network without classifier.
    """

    labels: np.ndarray
    top_activations: Mapping[str, TopActivations]
    activities: tuple[UnitActivity, ...]
    predictions: PredictedClasses | None


def survey_activations(
    trained: TrainedNetwork,
    image_set: ImageSet,
    layers: Sequence[str],
    *,
    progress_bar: ProgressBar,
    batch_size: int = BATCH_SIZE,
) -> ActivationSurvey:
    """Apply the network once to every image. Raises ZooError if its outputs are not finite."""
    model, sizes = trained.model, {layer: trained.shapes[layer][1:] for layer in layers}
    run = jit_cached(_survey_batch, model, tuple(layers), trained.weights.preprocessing)
    variables = jax.device_put(trained.variables)
    top = {layer: empty_top_k(size[-1], TILES_PER_GROUP) for layer, size in sizes.items()}
    labels, active, predicted, done = [], [], [], 0
    for batch in _batches(trained, image_set, batch_size, progress_bar):
        count = int(batch["mask"].sum())
        top, batch_active, batch_predicted = run(variables, top, batch["image"], done, count)
        labels.append(batch["label"][:count])
        active.append(batch_active)
        if batch_predicted is not None:
            probabilities, classes = batch_predicted
            predicted.append(fetch_top_k(trained.weights, probabilities, classes, count))
        done += count
    all_labels = np.concatenate(labels)
    total = jax.tree.map(lambda *parts: np.sum(parts, axis=0), *active)
    return ActivationSurvey(
        labels=all_labels,
        top_activations={
            layer: to_top_activations(
                model,
                layer,
                top[layer],
                image_shape=trained.image_shape,
                map_size=(size[0], size[1]),
                image_count=done,
            )
            for layer, size in sizes.items()
        },
        activities=tuple(UnitActivity(name, counts) for name, counts in total.items()),
        predictions=_to_predicted_classes(all_labels, predicted) if predicted else None,
    )


def _batches(
    trained: TrainedNetwork, image_set: ImageSet, batch_size: int, progress_bar: ProgressBar
) -> Iterable[dict[str, np.ndarray]]:
    size = min(batch_size, len(image_set))
    batches = eval_batches(image_set.source, preprocessing=trained.weights.preprocessing, batch_size=size)
    total = -(-len(image_set) // size)
    return progress_bar(batches, total=total, description=f"searching {len(image_set)} images")


def _survey_batch(
    model: nn.Module,
    layers: tuple[str, ...],
    preprocessing: Preprocessing,
    variables: Any,
    top: dict[str, TopK],
    images: jax.Array,
    first: jax.Array,
    count: jax.Array,
) -> tuple[dict[str, TopK], OrderedDict[str, jax.Array], tuple[jax.Array, jax.Array] | None]:
    """The strongest activations including those of a batch, each unit's number of active images, the predictions.

    `images` are uint8 [batch, height, width, channel], of which the first `count` are real and `first` is the index of
    the first in the data set.
    """
    made = apply_with_activations(model, variables, preprocessing.normalized(images), layers)
    top = {layer: update_top_k(top[layer], made.outputs[layer], first, count) for layer in layers}
    is_real = jnp.arange(len(images)) < count
    # An OrderedDict keeps its order through jit; a dict would come back sorted.
    active = OrderedDict((name, _count_active(output, is_real)) for name, output in made.activations.items())
    return top, active, top_k(made.logits, min(TOP_CLASSES, model.num_classes)) if model.num_classes else None


def _count_active(output: jax.Array, is_real: jax.Array) -> jax.Array:
    """int [units]: on how many of the real images a unit is above zero at any position."""
    active = output.max(axis=tuple(range(1, output.ndim - 1))) > 0
    return (active & is_real[:, None]).sum(axis=0)


def _to_predicted_classes(labels: np.ndarray, batches: Sequence[tuple[np.ndarray, np.ndarray]]) -> PredictedClasses:
    probabilities, classes = map(np.concatenate, zip(*batches, strict=True))
    return PredictedClasses(labels, classes, probabilities)
