"""One look through all images, for all that a report wants to know of them: no network runs twice over a data set."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from zoo.data import Preprocessing, eval_batches
from zoo.inference.prediction import most_probable, to_host
from zoo.report.learned.activity import Activity, followed
from zoo.visualize.methods.jit_cache import jit_cached
from zoo.visualize.methods.top_activations import TopActivations, TopK, empty_top_k, to_top_activations, update_top_k
from zoo.visualize.network_and_images import ImageSet, ProgressBar, TrainedNetwork

BATCH = 64
TOP = 5
# Projections of a unit.
NINE = 9


@dataclass(frozen=True, eq=False)
class Answers:
    """What the network says of labelled images: `labels` [images], the true classes, -1 where nobody knows.

    `classes` and `probabilities` [images, up to 5] are the most probable ones, the first the most probable.
    """

    labels: np.ndarray
    classes: np.ndarray
    probabilities: np.ndarray


@dataclass(frozen=True, eq=False)
class Survey:
    """What was found: the strongest activations of layers, each activation's units at work, the network's answers.

    `labels` [images] are the images' own, -1 where unknown. `answers` is None of a network without a classifier.
    """

    labels: np.ndarray
    strongest: Mapping[str, TopActivations]
    activities: tuple[Activity, ...]
    answers: Answers | None


def survey(
    subject: TrainedNetwork, pictures: ImageSet, layers: Sequence[str], *, track: ProgressBar, batch_size: int = BATCH
) -> Survey:
    """Every image through the network once. Raises ZooError where the network's numbers are not finite."""
    model, sizes = subject.model, {layer: subject.shapes[layer][1:] for layer in layers}
    run = jit_cached(_looked_at, model, tuple(layers), subject.weights.preprocessing)
    variables = jax.device_put(subject.variables)
    strongest = {layer: empty_top_k(size[-1], NINE) for layer, size in sizes.items()}
    labels, active, answers, seen = [], [], [], 0
    for batch in _batches(subject, pictures, batch_size, track):
        count = int(batch["mask"].sum())
        strongest, working, said = run(variables, strongest, batch["image"], seen, count)
        labels.append(batch["label"][:count])
        active.append(working)
        if said is not None:
            answers.append(to_host(subject.weights, *said, count))
        seen += count
    found = {
        layer: to_top_activations(
            model, layer, strongest[layer], image_shape=subject.image_shape, map_size=size[:2], image_count=seen
        )
        for layer, size in sizes.items()
    }
    total = jax.tree.map(lambda *parts: np.sum(parts, axis=0), *active)
    activities = tuple(Activity(name, counts) for name, counts in total.items())
    known = np.concatenate(labels)
    return Survey(known, found, activities, _joined(known, answers) if answers else None)


def _batches(
    subject: TrainedNetwork, pictures: ImageSet, batch_size: int, track: ProgressBar
) -> Iterable[dict[str, np.ndarray]]:
    size = min(batch_size, len(pictures))
    batches = eval_batches(pictures.source, preprocessing=subject.weights.preprocessing, batch_size=size)
    return track(batches, total=-(-len(pictures) // size), description=f"looking through {len(pictures)} images")


def _looked_at(
    model: nn.Module,
    layers: tuple[str, ...],
    preprocessing: Preprocessing,
    variables: Any,
    strongest: dict[str, TopK],
    images: jax.Array,
    first: jax.Array,
    count: jax.Array,
) -> tuple[dict[str, TopK], OrderedDict[str, jax.Array], tuple[jax.Array, jax.Array] | None]:
    """A batch of uint8 images: the strongest activations with its own, the units at work, the answers."""
    made = followed(model, variables, preprocessing.normalized(images), layers)
    best = {layer: update_top_k(strongest[layer], made.outputs[layer], first, count) for layer in layers}
    real = jnp.arange(len(images)) < count
    # In order, as a dict would come back sorted.
    working = OrderedDict((name, _working(output, real)) for name, output in made.activations.items())
    return best, working, most_probable(made.logits, min(TOP, model.num_classes)) if model.num_classes else None


def _working(output: jax.Array, real: jax.Array) -> jax.Array:
    """int [units]: on how many of the real images a unit is above zero anywhere."""
    above = output.max(axis=tuple(range(1, output.ndim - 1))) > 0
    return (above & real[:, None]).sum(axis=0)


def _joined(labels: np.ndarray, answers: Sequence[tuple[np.ndarray, np.ndarray]]) -> Answers:
    probabilities, classes = map(np.concatenate, zip(*answers, strict=True))
    return Answers(labels, classes, probabilities)
