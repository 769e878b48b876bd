"""A run's recipe in words: its settings, and the command that asks for it."""

import dataclasses
import shlex
from dataclasses import dataclass

from zoo.training.checkpoint.run_folder import RunConfig
from zoo.training.config.recipe import Recipe
from zoo.training.config.recipe_table import recipe_for


@dataclass(frozen=True)
class Setting:
    """One of a recipe, what it means, and whether it is not the default."""

    name: str
    value: str
    meaning: str
    changed: bool


def settings(recipe: Recipe) -> tuple[Setting, ...]:
    """All of them, in their order."""
    return tuple(
        Setting(
            field.name.replace("_", " "),
            _written(getattr(recipe, field.name)),
            field.metadata["help"],
            getattr(recipe, field.name) != field.default,
        )
        for field in dataclasses.fields(recipe)
    )


def command(config: RunConfig) -> str:
    """What asks `train.py` for this recipe: its flags are what is not usual for this network and data."""
    pretrained = config.pretrained is not None
    usual = recipe_for(config.model, config.dataset, pretrained=pretrained)
    # What `train.py` decides from the data and from the weights.
    decided = {"feed", "fit"} if pretrained else {"feed"}
    given = ["python", "train.py", "--model", config.model, "--dataset", config.dataset]
    if pretrained:
        given += ["--pretrained", *filter(None, [config.pretrained])]
    for field in dataclasses.fields(Recipe):
        value = getattr(config.recipe, field.name)
        if field.name not in decided and value != getattr(usual, field.name):
            given += _flag(field.name.replace("_", "-"), value)
    return shlex.join(given)


def _flag(name: str, value: object) -> list[str]:
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    return [f"--{name}", _written(value)]


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)
