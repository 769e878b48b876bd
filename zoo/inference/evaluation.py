"""How well a network does on a data set: accuracies, a row a class, the confusion matrix."""

import re
from dataclasses import asdict, dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from zoo.data import Dataset, eval_batches
from zoo.errors import ZooError
from zoo.inference.prediction import class_names, to_host, top_classes
from zoo.runtime.compiler_options import compiler_options
from zoo.runtime.mesh import data_mesh, replicated, shard_batch
from zoo.weights.files import Weights

# Data sets whose classes are named by numbers.
OF_DIGITS = ("digits", "mnist")


@dataclass(frozen=True)
class ClassResult:
    """One class: its images, the share that is named rightly (None without images), and what most others are taken for.

    `mistaken_for` is None where there is no mistake; `mistakes` counts those for that one class.
    """

    name: str
    images: int
    accuracy: float | None
    mistaken_for: str | None
    mistakes: int


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The result on a test set. `confusion` is int [true class, predicted class]: images.

    `top5_accuracy` is None where there are no more than five classes.
    """

    class_names: tuple[str, ...]
    confusion: np.ndarray
    top5_accuracy: float | None

    @property
    def images(self) -> int:
        """All images of the test set."""
        return int(self.confusion.sum())

    @property
    def top1_accuracy(self) -> float:
        """The share of images whose most probable class is the true one."""
        return int(self.confusion.trace()) / self.images

    def per_class(self) -> list[ClassResult]:
        """A row a class, in the classes' order."""
        return [self._class_result(index) for index in range(len(self.class_names))]

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
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


def evaluate(weights: Weights, dataset: Dataset, *, batch_size: int = 64, dtype: jnp.dtype = jnp.float32) -> Evaluation:
    """Over every image of the test split, as the weights' preprocessing shows it, on all devices, computed in `dtype`.

    Raises ZooError where the data set's classes are not those of the weights.
    """
    names = same_classes(weights, dataset)
    mesh = data_mesh(batch_size)
    compute = jax.jit(top_classes(weights, 5, dtype), compiler_options=compiler_options())
    variables = jax.device_put(weights.variables, replicated(mesh))
    confusion, among_five = np.zeros((len(names), len(names)), np.int64), 0
    for batch in eval_batches(dataset.test, preprocessing=weights.preprocessing, batch_size=batch_size):
        count = int(batch["mask"].sum())  # padding is last
        _, best = to_host(weights, *compute(variables, shard_batch(batch["image"], mesh)), count)
        labels = batch["label"][:count]
        np.add.at(confusion, (labels, best[:, 0]), 1)
        among_five += int((best == labels[:, None]).any(axis=1).sum())
    images = int(confusion.sum())
    return Evaluation(names, confusion, among_five / images if len(names) > 5 else None)


def same_classes(weights: Weights, dataset: Dataset) -> tuple[str, ...]:
    """The classes' names. Raises ZooError where the data set and the weights have other ones, or in another order.

    WordNet's identifiers, by which ImageNet is sorted, are not compared with words, nor are the numbers of a data set
    that has no names.
    """
    names, given = class_names(weights), dataset.class_names
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


def of_another_data_set(weights: Weights, dataset: str) -> bool:
    """Whether the weights were trained on another data set than that, as far as both are known by their names."""
    one, other = (name.replace("_", "-").lower() for name in (weights.dataset, dataset))
    return bool(one and other) and one != other


def are_numbers(names: tuple[str, ...]) -> bool:
    """Whether they are no names, as IDX files have none."""
    return names == tuple(map(str, range(len(names))))


def stand_for_names(names: tuple[str, ...], dataset: str) -> bool:
    """Whether they are numbers for want of names: those of a data set of digits are names."""
    return are_numbers(names) and dataset not in OF_DIGITS


def are_wordnet_ids(names: tuple[str, ...]) -> bool:
    """Whether they are such as n01440764."""
    return all(re.fullmatch(r"n\d{8}", name) for name in names)
