"""From what the command line gives to a run's configuration; all that would fail once the run had begun fails here."""

import dataclasses
from dataclasses import asdict
from typing import Any

from zoo.data import Dataset, Preprocessing
from zoo.data.preprocessing import channel_constants
from zoo.errors import ZooError
from zoo.models.network import Network
from zoo.models.variables import check_image_shape, smallest_image_size
from zoo.registry import create_model, model_info
from zoo.runtime.mesh import data_mesh
from zoo.training.checkpoint.run_folder import RunConfig, RunFolder
from zoo.training.config.recipe import Recipe
from zoo.training.config.recipe_table import image_size, named_recipe, recipe_for
from zoo.training.feed import resolved
from zoo.training.finetune.pretrained_backbone import check_trained_parts, fields_of
from zoo.weights import Weights, open_pretrained

# What --pretrained alone stands for, in the run's configuration too.
USUAL_WEIGHTS = ""


def configure(
    model: str,
    dataset: Dataset,
    given: dict[str, Any],
    weights: Weights | None = None,
    recipe_name: str | None = None,
) -> RunConfig:
    """The run's configuration: a recipe, by default that of this network and data, with the settings `given`.

    `weights` are those it begins with. Raises ZooError for all that would only fail once the run had begun.
    """
    recipe = recipe_for(model, dataset.name, pretrained=weights is not None)
    if recipe_name is not None:
        recipe = named_recipe(recipe_name)
    if weights:
        recipe = dataclasses.replace(recipe, fit=weights.preprocessing.fit)
    recipe = dataclasses.replace(recipe, **given)
    if recipe.aux_heads:
        create_model(model, aux_heads=True)
    data_mesh(recipe.batch_size)
    if recipe.batch_size > len(dataset.train):
        raise ZooError(
            f"batch_size is {recipe.batch_size}: {dataset.name} has only {len(dataset.train)} training images"
        )
    steps = recipe.epochs * (len(dataset.train) // recipe.batch_size)
    if recipe.accumulate > steps:
        raise ZooError(f"accumulate is {recipe.accumulate}: the run has only {steps} steps, and would change nothing")
    fields = fields_of(weights) if weights else {}
    network = create_model(model, num_classes=len(dataset.class_names), **fields)
    seen = weights_images(recipe, weights) if weights else fresh_images(recipe, model, network, dataset)
    check_image_shape(network, seen.image_shape)
    check_trained_parts(network, recipe)
    return RunConfig(
        model=model,
        dataset=dataset.name,
        recipe=dataclasses.replace(recipe, feed=resolved(recipe, dataset, seen)),
        preprocessing=seen,
        class_names=dataset.class_names,
        fields=fields,
        training_images=len(dataset.train),
    )


def weights_images(recipe: Recipe, weights: Weights) -> Preprocessing:
    """Images as the weights know them, whole, and of the size that the recipe names where it names one."""
    seen = weights.preprocessing
    height, width, channels = seen.image_shape
    if recipe.image_size:
        height = width = recipe.image_size
    return dataclasses.replace(seen, image_shape=(height, width, channels), fit=recipe.fit, crop=1.0)


def fresh_images(recipe: Recipe, model: str, network: Network, dataset: Dataset) -> Preprocessing:
    """Images as the data set has them, of a size that suits the network."""
    info = model_info(model)
    height, width, channels = dataset.image_shape
    size = image_size(recipe, max(height, width), info.input_size, smallest_image_size(network, channels))
    return Preprocessing(
        image_shape=(size, size, channels),
        mean=channel_constants(info.mean, channels),
        std=channel_constants(info.std, channels),
        fit=recipe.fit,
    )


def configure_resumed(
    folder: RunFolder,
    model: str,
    dataset: Dataset,
    given: dict[str, Any],
    pretrained: str | None,
    recipe_name: str | None = None,
) -> RunConfig:
    """The stored configuration. Raises ZooError where what was given on the command line is not what the run has."""
    config = folder.read_config()
    if (config.model, config.dataset) != (model, dataset.name):
        raise ZooError(
            f"{folder.path} holds a run of {config.model} on {config.dataset}, not of {model} on {dataset.name}"
        )
    if config.training_images not in (None, len(dataset.train)):
        raise ZooError(
            f"{folder.path} was trained on {config.training_images} images, and {dataset.name} has "
            f"{len(dataset.train)} now: its steps would be others"
        )
    if config.class_names != dataset.class_names:
        raise ZooError(f"{folder.path} was trained on other classes than {dataset.name} has now")
    stored = asdict(config.recipe)
    if recipe_name is not None:
        # What `configure` put in place of the recipe's.
        kept = {"feed": config.recipe.feed, "fit": config.recipe.fit}
        given = {**asdict(named_recipe(recipe_name)), **kept, **given}
    if given.get("feed") == "auto":
        given = {**given, "feed": config.recipe.feed}
    differing = [f"{name} {stored[name]} (given: {value})" for name, value in given.items() if stored[name] != value]
    if differing:
        raise ZooError(f"the run in {folder.path} has {', '.join(differing)}: leave that out to resume it")
    if pretrained is not None and pretrained != config.pretrained:
        begun = "random weights" if config.pretrained is None else config.pretrained or "the network's usual weights"
        raise ZooError(f"the run in {folder.path} began with {begun}: leave --pretrained out to resume it")
    return config


def open_weights(model: str, given: dict[str, Any], pretrained: str | None) -> Weights | None:
    """What --pretrained names. Raises ZooError where it cannot be had, or is missing and --freeze is not."""
    if pretrained is not None:
        return open_pretrained(model, pretrained or None)
    if given.get("freeze", "none") != "none":
        raise ZooError("--freeze keeps what is learned already: give --pretrained too, to begin with that")
    return None
