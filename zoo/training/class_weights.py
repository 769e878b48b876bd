"""The weights of classes of different sizes, so that each class has the same share of the loss."""

from collections.abc import Sequence

from zoo.data import Dataset
from zoo.data.class_counts import class_counts
from zoo.training.config.recipe import Recipe


def balanced_weights(counts: Sequence[int]) -> tuple[float, ...]:
    """N / (K n) for a class of n of the N images, where K classes have any; 0 for a class without images.

    Their mean over the images is 1, so that the learning rate keeps its meaning. They are the "balanced" weights of
    scikit-learn's `compute_class_weight`, after King and Zeng, "Logistic Regression in Rare Events Data", 2001.
    """
    images, classes = sum(counts), sum(count > 0 for count in counts)
    return tuple(images / (classes * count) if count else 0.0 for count in counts)


def class_weights_of(recipe: Recipe, dataset: Dataset) -> tuple[float, ...]:
    """The weight of each class in the loss of a run; () without --balance, where all are equal."""
    return balanced_weights(class_counts(dataset.train, len(dataset.class_names))) if recipe.balance else ()
