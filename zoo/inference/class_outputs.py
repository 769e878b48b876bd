"""Which outputs of a network are the classes of a data set."""

import re
from functools import cache
from importlib import resources

from zoo.data import Dataset
from zoo.errors import ZooError
from zoo.inference.classifier import Classifier
from zoo.inference.prediction import output_names

# Data sets whose class names are digits.
DIGIT_DATASETS = ("digits", "mnist")
# How the names of ImageNet's 1,000 classes begin, in words.
IMAGENET_WORDS = ("tench", "goldfish")


def class_outputs(weights: Classifier, dataset: Dataset) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The names of the data set's classes, and for each the network's output.

    A data set whose classes are WordNet identifiers may have some of the network's classes, in any order: Imagenette,
    ImageNet-A and -R have 10 and 200 of the 1,000. Otherwise classes and outputs are the same. Raises ZooError where
    they differ.
    """
    names, given = output_names(weights), dataset.class_names
    identifiers = wordnet_ids(weights)
    if not identifiers or not are_wordnet_ids(given) or set(given) == set(names):
        return matching_class_names(weights, dataset), tuple(range(len(names)))
    places = {name: index for index, name in enumerate(identifiers)}
    if unknown := [name for name in given if name not in places]:
        if not weights.class_names and len(names) == len(given):
            return matching_class_names(weights, dataset), tuple(range(len(names)))
        raise ZooError(
            f"{dataset.name} has the class {unknown[0]}, which is none of the {len(names):,} of these weights of "
            f"{weights.model}"
        )
    outputs = tuple(places[name] for name in given)
    return tuple(names[output] if weights.class_names else given[i] for i, output in enumerate(outputs)), outputs


def wordnet_ids(weights: Classifier) -> tuple[str, ...]:
    """The WordNet identifier of each output; () where they are not known."""
    names = output_names(weights)
    if are_wordnet_ids(names):
        return names
    is_imagenet = not weights.class_names or names[: len(IMAGENET_WORDS)] == IMAGENET_WORDS
    return imagenet_ids() if is_imagenet and len(names) == len(imagenet_ids()) else ()


@cache
def imagenet_ids() -> tuple[str, ...]:
    """The WordNet identifiers of ILSVRC2012's 1,000 classes, in the order of the outputs, which is alphabetical.

    They are those of `imagenet_resized_labels.txt` of TFDS.
    """
    return tuple((resources.files("zoo.inference") / "imagenet_wnids.txt").read_text(encoding="utf-8").split())


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
