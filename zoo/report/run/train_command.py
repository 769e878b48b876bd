"""A run's recipe as the command that trains with it."""

import dataclasses

from zoo.printable import shell_command
from zoo.registry import model_info
from zoo.training.config.recipe import Recipe
from zoo.training.config.recipe_settings import format_setting
from zoo.training.config.recipe_table import IMAGENET_CLASSES, data_kind, recipe_for
from zoo.training.config.run_config import RunConfig


def train_command(config: RunConfig) -> str:
    """The command that trains with a run's recipe; it has a flag for each setting that differs from the usual recipe.

    The usual recipe is that of the network and the data set.
    """
    pretrained = config.pretrained is not None
    usual = recipe_for(config.model, config.dataset, pretrained=pretrained)
    # Their recipe depends on the size of the images, which the run does not know.
    unknown = not pretrained and len(config.class_names) == IMAGENET_CLASSES and data_kind(config.dataset) == "any data"
    # `zoo train` chooses these from the data, from the weights and from the devices, of which a CPU gets float32.
    automatic = {"feed"} | ({"fit"} if pretrained else set())
    automatic |= {"dtype"} if config.recipe.dtype == "float32" else set()
    arguments = ["zoo", "train", "--model", config.model, "--dataset", _dataset(config)]
    if unknown:
        usual = Recipe()
        arguments += ["--recipe", "default"]
    for name, value in config.fields.items():
        if model_info(config.model).source:
            arguments += ["--model-arg", f"{name}={value}"]
    if pretrained:
        arguments += ["--pretrained", *filter(None, [config.pretrained])]
    for field in dataclasses.fields(Recipe):
        value = getattr(config.recipe, field.name)
        differs = value != getattr(usual, field.name)
        # A rate that is given alone is not for a batch.
        differs |= field.name == "rate_batch" and config.recipe.learning_rate != usual.learning_rate and value != 0
        # There is no flag for the network's own value: it is None where the network has no such field.
        if differs and value is not None and field.name not in automatic:
            arguments += _flag(field.name.replace("_", "-"), value)
    return shell_command(arguments)


def _dataset(config: RunConfig) -> str:
    """The value of --dataset. The page is for others too: of a folder it shows the name, and not the whole path."""
    match config.data.kind:
        case "folder":
            return f"path/to/{config.dataset}"
        case "tfds":
            return config.data.name
    return config.dataset


def _flag(name: str, value: object) -> list[str]:
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    return [f"--{name}", format_setting(value)]
