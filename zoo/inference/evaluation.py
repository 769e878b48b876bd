"""Evaluate a network on a data set: accuracies, results per class, and the confusion matrix."""

import re
from dataclasses import asdict, dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from zoo.data import Dataset, UnreadableImages, eval_batches
from zoo.errors import ZooError
from zoo.inference.classifier import Classifier
from zoo.inference.prediction import fetch_top_k, float_dtype, output_names, top_k_function
from zoo.models.memory_forecast import check_inference_memory
from zoo.runtime.html_tables import html_table
from zoo.runtime.limits import BATCH_SIZE
from zoo.runtime.mesh import data_mesh, replicated, shard_batch

# Data sets whose class names are digits.
DIGIT_DATASETS = ("digits", "mnist")
# Of a table of the classes' results, and which of its columns are flush left.
RESULT_TITLES = ("class", "images", "accuracy", "most often mistaken for")
RESULT_LEFT = (True, False, False, True)


@dataclass(frozen=True)
class ClassResult:
    """The result of one class: its number of images and their accuracy, 0 to 1 (None without images).

    `mistaken_for` is the most frequent wrong prediction, None where there is none; `mistakes` is its number of images.
    """

    name: str
    images: int
    accuracy: float | None
    mistaken_for: str | None
    mistakes: int

    def cells(self) -> list[str]:
        """The row of a table with `RESULT_TITLES`."""
        accuracy = "" if self.accuracy is None else f"{self.accuracy:.3f}"
        mistake = f"{self.mistaken_for} ({self.mistakes})" if self.mistakes else ""
        return [self.name, str(self.images), accuracy, mistake]


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """The result on a test set. `confusion` is int [true class, predicted class], the numbers of images.

    Accuracies are 0 to 1; `top5_accuracy` is None for five classes or fewer.
    """

    class_names: tuple[str, ...]
    confusion: np.ndarray
    top5_accuracy: float | None

    def __repr__(self) -> str:
        top5 = "" if self.top5_accuracy is None else f", top-5 {self.top5_accuracy:.4f}"
        return (
            f"Evaluation({self.images:,} images, {len(self.class_names):,} classes: "
            f"top-1 accuracy {self.top1_accuracy:.4f}{top5})"
        )

    def _repr_html_(self) -> str:
        """For notebooks: with a row per class."""
        return html_table(RESULT_TITLES, [row.cells() for row in self.per_class()], RESULT_LEFT, caption=repr(self))

    @property
    def images(self) -> int:
        """The number of images in the test set."""
        return int(self.confusion.sum())

    @property
    def top1_accuracy(self) -> float:
        """The fraction of images whose most probable class is the true class."""
        return int(self.confusion.trace()) / self.images

    def per_class(self) -> list[ClassResult]:
        """One result per class, in the order of the classes."""
        return [self._class_result(index) for index in range(len(self.class_names))]

    def to_json(self) -> dict[str, Any]:
        """The evaluation as JSON values."""
        return {
            "images": self.images,
            "top1_accuracy": self.top1_accuracy,
            "top5_accuracy": self.top5_accuracy,
            "classes": [asdict(row) for row in self.per_class()],
            "confusion": self.confusion.tolist(),
        }

    def _class_result(self, index: int) -> ClassResult:
        taken_for = self.confusion[index]
        images, right = int(taken_for.sum()), int(taken_for[index])
        wrong = np.where(np.arange(len(taken_for)) == index, 0, taken_for)
        worst = int(wrong.argmax())
        return ClassResult(
            name=self.class_names[index],
            images=images,
            accuracy=right / images if images else None,
            mistaken_for=self.class_names[worst] if wrong[worst] else None,
            mistakes=int(wrong[worst]),
        )


def evaluate(
    weights: Classifier,
    dataset: Dataset,
    *,
    batch_size: int = 64,
    dtype: jnp.dtype = jnp.float32,
    unreadable: UnreadableImages | None = None,
) -> Evaluation:
    """Evaluate the test split with the weights' preprocessing on all devices; the network computes in `dtype`.

    Images that cannot be read are left out, as often as `unreadable` allows. Raises ZooError for one more than that,
    where the classes of the data set and the weights differ, for a label that is none of them, and for a test split
    without images.
    """
    if not len(dataset.test):
        raise ZooError(f"{dataset.name} has no test images to evaluate")
    names = matching_class_names(weights, dataset)
    BATCH_SIZE.check(batch_size, "batch_size")
    mesh = data_mesh(batch_size)
    devices = mesh.size
    # No larger than what the images fill.
    batch_size = min(batch_size, -(-len(dataset.test) // devices) * devices)
    network = weights.network(dtype=float_dtype(dtype))
    check_inference_memory(network, weights.preprocessing.image_shape, batch_size // devices)
    compute = top_k_function(weights, 5, dtype)
    variables = jax.device_put(weights.variables, replicated(mesh))
    confusion, among_five = np.zeros((len(names), len(names)), np.int64), 0
    batches = eval_batches(
        dataset.test,
        preprocessing=weights.preprocessing,
        batch_size=batch_size,
        classes=len(names),
        unreadable=unreadable,
    )
    for batch in batches:
        count = int(batch["mask"].sum())  # padding is last
        probabilities, indices = compute(variables, shard_batch(batch["image"], mesh))
        _, best = fetch_top_k(weights, probabilities, indices, count)
        labels = batch["label"][:count]
        np.add.at(confusion, (labels, best[:, 0]), 1)
        among_five += int((best == labels[:, None]).any(axis=1).sum())
    images = int(confusion.sum())
    if not images:
        raise ZooError(f"{dataset.name} has no test image that can be read")
    return Evaluation(names, confusion, among_five / images if len(names) > 5 else None)


def matching_class_names(weights: Classifier, dataset: Dataset) -> tuple[str, ...]:
    """The class names that the weights and the data set share. Raises ZooError where names or their order differ.

    WordNet identifiers, by which ImageNet is sorted, are not compared with words, nor numbers with names.
    """
    names, given = output_names(weights), dataset.class_names
    if len(names) != len(given):
        raise ZooError(f"{dataset.name} has {len(given)} classes, and these weights of {weights.model} {len(names)}")
    if not weights.class_names or are_wordnet_ids(given) != are_wordnet_ids(names):
        return names if weights.class_names else given
    if are_numbers(given):
        return names
    for index, (ours, theirs) in enumerate(zip(names, given, strict=True)):
        if ours != theirs:
            raise ZooError(
                f"class {index} is {theirs!r} in {dataset.name}, and {ours!r} in these weights of {weights.model}"
            )
    return names


def is_other_dataset(weights: Classifier, dataset: str) -> bool:
    """Whether the weights were trained on another data set than `dataset`; False where either name is not known."""
    one, other = (name.replace("_", "-").lower() for name in (weights.dataset, dataset))
    return bool(one and other) and one != other


def are_numbers(names: tuple[str, ...]) -> bool:
    """Whether the names are only 0, 1, 2, ..., as those of IDX files."""
    return names == tuple(map(str, range(len(names))))


def are_placeholders(names: tuple[str, ...], dataset: str) -> bool:
    """Whether the names are numbers that stand for unknown names; in a data set of digits, numbers are names."""
    return are_numbers(names) and dataset not in DIGIT_DATASETS


def are_wordnet_ids(names: tuple[str, ...]) -> bool:
    """Whether all names are WordNet identifiers such as n01440764."""
    return all(re.fullmatch(r"n\d{8}", name) for name in names)
