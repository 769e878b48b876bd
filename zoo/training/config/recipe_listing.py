"""Recipes as they are listed: of a network on each kind of data, or all rows of the table."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from zoo.runtime.text_tables import shorten
from zoo.training.config.recipe import Recipe
from zoo.training.config.recipe_settings import Setting, recipe_settings
from zoo.training.config.recipe_table import ROWS, DataKind, SourcedRecipe, sourced_named_recipe, sourced_recipe_for
from zoo.training.config.recipes.named import NAMED
from zoo.training.config.recipes.small_images import ANY_DATA
from zoo.training.learning_rate import peak_learning_rate, scales_linearly

# Images per update at which the learning rate is shown, besides the recipe's own.
SHOWN_BATCHES = (64, 256, 1024, 4096)
LONGEST_NETWORKS = 36


@dataclass(frozen=True)
class ListedRecipe:
    """A recipe, the networks and the data that have it, and its source."""

    networks: str
    data: str
    recipe: Recipe
    source: str

    def changed_settings(self) -> tuple[Setting, ...]:
        """The settings that differ from the general default."""
        return tuple(one for one in recipe_settings(self.recipe) if one.changed)

    def rates(self) -> dict[int, float]:
        """The learning rate by images per update."""
        batches = sorted({*SHOWN_BATCHES, self.recipe.update_size})
        in_one_batch = dataclasses.replace(self.recipe, accumulate=1)
        return {size: peak_learning_rate(dataclasses.replace(in_one_batch, batch_size=size)) for size in batches}

    def describe_rates(self) -> str:
        """The learning rate by images per update, in one line."""
        if not self.recipe.rate_batch:
            return f"learning rate {self.recipe.learning_rate:g} for any number of images per update"
        rule = "in proportion" if scales_linearly(self.recipe) else "by the square root"
        rates = ", ".join(f"{rate:.4g} for {size}" for size, rate in self.rates().items())
        return f"learning rate by images per update, {rule}: {rates}"

    def cells(self) -> list[str]:
        """The recipe as a row of a table."""
        recipe = self.recipe
        return [
            shorten(self.networks, LONGEST_NETWORKS),
            self.data,
            recipe.optimizer,
            str(recipe.update_size),
            f"{peak_learning_rate(recipe):.4g}",
            recipe.schedule,
            str(recipe.epochs),
            self.source,
        ]

    def json_object(self) -> dict[str, Any]:
        """The recipe as an object of JSON."""
        changed = {one.name.replace(" ", "_") for one in self.changed_settings()}
        settings = dataclasses.asdict(self.recipe)
        return {
            "networks": self.networks,
            "data": self.data,
            "source": self.source,
            "learning_rate_by_images": {str(size): rate for size, rate in self.rates().items()},
            "changed": {name: value for name, value in settings.items() if name in changed},
            "recipe": settings,
        }


COLUMNS = ("networks", "data", "optimizer", "images", "rate", "schedule", "epochs", "source")
FLUSH_LEFT = (True, True, True, False, False, True, False, True)


def recipes_of(model: str, kind: DataKind | None = None) -> list[ListedRecipe]:
    """The recipes of a network on all kinds of data that have one of their own for it, or on one kind."""
    kinds: tuple[DataKind, ...] = tuple(ROWS) if kind is None else (kind,)
    found = [(one, sourced_recipe_for(model, one)) for one in kinds]
    return [_listed(model, sourced) for one, sourced in found if kind is not None or sourced.title == one]


def named_recipes(name: str | None = None) -> list[ListedRecipe]:
    """The recipes of --recipe, or the one of that name. Raises ZooError if there is none."""
    names = NAMED if name is None else (name,)
    return [_listed("any", sourced_named_recipe(one), data=f"--recipe {one}") for one in names]


def all_recipes() -> list[ListedRecipe]:
    """All rows of the table, and then the named recipes."""
    return [*_rows(), *named_recipes()]


def _rows() -> Iterator[ListedRecipe]:
    for kind, rows in {**ROWS, "any data": ANY_DATA}.items():
        for row in rows:
            yield ListedRecipe(" ".join(row.models), kind, Recipe(**row.settings), row.source)


def _listed(networks: str, sourced: SourcedRecipe, data: str = "") -> ListedRecipe:
    return ListedRecipe(networks, data or sourced.title, sourced.recipe, sourced.source)
