"""Evaluate networks on a data set: one or several, on one view of each image or on many."""

import math
import time
from collections.abc import Sequence
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from zoo.data import Dataset, Source, UnreadableImages, eval_batches
from zoo.data.chunks import check_label
from zoo.data.class_counts import label_of
from zoo.data.derived_sources import IndexedSource, JoinedSource
from zoo.data.views import Views
from zoo.errors import ZooError
from zoo.inference.class_outputs import class_outputs
from zoo.inference.classifier import Classifier
from zoo.inference.ensemble import Ensemble, best_classes, make_ensemble
from zoo.inference.evaluation_result import Evaluation
from zoo.inference.real_labels import RealLabels, real_accuracy, validation_numbers
from zoo.runtime.limits import BATCH_SIZE
from zoo.runtime.mesh import data_mesh, replicated, shard_batch

Split = Literal["test", "train", "all"]
SPLITS: tuple[Split, ...] = ("test", "train", "all")
# All views of a batch take at most so much memory.
MAX_VIEW_BYTES = 2**27


def evaluate(
    weights: Classifier | Sequence[Classifier],
    dataset: Dataset,
    *,
    batch_size: int = 64,
    dtype: jnp.dtype = jnp.float32,
    unreadable: UnreadableImages | None = None,
    views: Views = 1,
    split: Split = "test",
    real_labels: RealLabels | None = None,
) -> Evaluation:
    """Evaluate a split with the weights' preprocessing on all devices; the networks compute in `dtype`.

    The probabilities of several weights, and of several `views` of each image (`zoo.data.views`), are averaged. Classes
    are the data set's: outputs of a network that are none of them do not count (`class_outputs`). The split "all" is
    for data sets that are only for testing. `real_labels` are those of ImageNet's validation images. Images that cannot
    be read are left out, as often as `unreadable` allows.

    Raises ZooError for one more than that, where the classes of the data set and the weights differ, for a label that
    is none of them, for views that the preprocessing does not allow, and for a split without images.
    """
    networks = tuple(weights) if isinstance(weights, Sequence) else (weights,)
    if not networks:
        raise ZooError("no weights are given to evaluate: give at least one")
    source = split_source(dataset, split)
    numbers = None if real_labels is None else validation_numbers(source, real_labels)
    found = [class_outputs(one, dataset) for one in networks]
    names, outputs = found[0][0], [outputs for _, outputs in found]
    BATCH_SIZE.check(batch_size, "batch_size")
    mesh = data_mesh(batch_size)
    ensemble = make_ensemble(networks, outputs, views, dtype=dtype)
    batch_size = fitting_batch_size(ensemble, batch_size, len(source), mesh.size)
    ensemble.check_memory(batch_size // mesh.size)
    ensemble = ensemble.on_devices(partial(jax.device_put, device=replicated(mesh)))

    # Which image a row is must be known for ReaL labels, although unreadable ones are left out.
    read, classes = (source, len(names)) if numbers is None else (IndexedSource(source), len(source))
    streams = [
        eval_batches(read, preprocessing=each, batch_size=batch_size, classes=classes, unreadable=unreadable)
        for each in ensemble.preprocessings
    ]
    labels, classes_found, confidence, clock = [], [], [], Throughput()
    for batches in zip(*streams, strict=True):
        count = int(batches[0]["mask"].sum())  # padding is last
        scores = ensemble.scores([batch["image"] for batch in batches], partial(shard_batch, mesh=mesh))
        probabilities, best = best_classes(scores, min(5, len(names)), count)
        labels.append(batches[0]["label"][:count])
        classes_found.append(best)
        confidence.append(probabilities[:, 0])
        clock.count(count)
    if not clock.images:
        raise ZooError(f"{dataset.name} has no {split} image that can be read")
    rows, best = np.concatenate(labels), np.concatenate(classes_found)
    real = None
    if numbers is not None:
        predicted = np.array(outputs[0])[best[:, 0]]
        real = real_accuracy(predicted, numbers[rows], real_labels or ())
        rows = np.array([known_label(source, int(index), len(names)) for index in rows])
    return Evaluation(
        class_names=names,
        confusion=confusion_matrix(rows, best[:, 0], len(names)),
        top5_accuracy=float((best == rows[:, None]).any(1).mean()) if len(names) > 5 else None,
        confidence=np.concatenate(confidence),
        correct=best[:, 0] == rows,
        real=real,
        images_per_second=clock.images_per_second,
        networks=len(networks),
        views=views,
    )


def split_source(dataset: Dataset, split: Split) -> Source:
    """The images of a split. Raises ZooError where it has none."""
    if split not in SPLITS:
        raise ZooError(f"split is {split!r}: it is one of {', '.join(SPLITS)}")
    sources = {"test": dataset.test, "train": dataset.train}
    source = sources[split] if split in sources else JoinedSource(dataset.train, dataset.test)
    if not len(source):
        raise ZooError(f"{dataset.name} has no {split} images to evaluate")
    return source


def known_label(source: Source, index: int, classes: int) -> int:
    """The label of an image. Raises DataError for one that is none of the classes."""
    label = label_of(source, index)
    check_label(label, classes, index)
    return label


def fitting_batch_size(ensemble: Ensemble, batch_size: int, images: int, devices: int) -> int:
    """The batch size, or less where there are fewer images, or their views take too much memory."""
    largest = max(math.prod(one.image_shape) for one in ensemble.preprocessings)
    fits = max(MAX_VIEW_BYTES // largest // devices, 1) * devices
    return min(batch_size, fits, -(-images // devices) * devices)


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """int64 [true class, predicted class]: the numbers of images."""
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (labels, predicted), 1)
    return confusion


class Throughput:
    """Images per second, without the first batch, which compiles."""

    def __init__(self) -> None:
        self.images, self._first, self._start, self._end = 0, 0, 0.0, 0.0

    def count(self, images: int) -> None:
        """So many images more are done."""
        self._end = time.perf_counter()
        if not self.images:
            self._first, self._start = images, self._end
        self.images += images

    @property
    def images_per_second(self) -> float | None:
        """None where there was only one batch."""
        timed = self.images - self._first
        return timed / (self._end - self._start) if timed else None
