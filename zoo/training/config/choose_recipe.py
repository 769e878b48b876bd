"""The recipe of a new run, from the network and the data set or by its name, and what a run says about it."""

from zoo.data import Dataset
from zoo.training.config.recipe_table import (
    DataKind,
    SourcedRecipe,
    data_kind,
    sourced_named_recipe,
    sourced_recipe_for,
)
from zoo.training.config.recipes.named import NAMED


def choose_recipe(model: str, dataset: Dataset, name: str | None, *, pretrained: bool) -> SourcedRecipe:
    """The recipe of that name, or for None that of the network and the data. Raises ZooError for another name."""
    return (
        sourced_recipe_for(model, kind_of(dataset), pretrained=pretrained)
        if name is None
        else sourced_named_recipe(name)
    )


def kind_of(dataset: Dataset) -> DataKind:
    """The kind of data that decides about the recipe."""
    return data_kind(dataset.name, len(dataset.class_names), min(dataset.image_shape[:2]))


def describe_recipe(chosen: SourcedRecipe, dataset: Dataset) -> list[str]:
    """Lines about a recipe that is a paper's or has a name, and about data that has it without having the name."""
    if chosen.title not in ("ImageNet", "CIFAR", *NAMED):
        return []
    lines = [f"recipe {chosen.title}: {chosen.source}"]
    if chosen.title == "ImageNet" and data_kind(dataset.name) != "ImageNet":
        lines.append(f"{dataset.name} has it for its 1,000 classes of photographs: --recipe default is the general one")
    return lines
