"""The settings of a recipe as people read them: each beside its default, and all of them as a table for a terminal."""

import dataclasses
from dataclasses import dataclass
from itertools import zip_longest

from zoo.training.config.config_field import NETWORKS_OWN
from zoo.training.config.recipe import Recipe

TABLE_WIDTH, MAX_COLUMNS = 80, 3


@dataclass(frozen=True)
class Setting:
    """A setting of a recipe, its general default, and its meaning."""

    name: str
    value: str
    default: str
    meaning: str

    @property
    def changed(self) -> bool:
        """Whether it differs from the default; what is decided for "auto" is no difference."""
        return self.value != self.default and self.default != "auto"


def recipe_settings(recipe: Recipe) -> tuple[Setting, ...]:
    """All settings, in their order."""
    return tuple(
        Setting(
            name=field.name.replace("_", " "),
            value=format_setting(getattr(recipe, field.name)),
            default=format_setting(field.default),
            meaning=field.metadata["help"],
        )
        for field in dataclasses.fields(recipe)
    )


def format_setting(value: object) -> str:
    """A value as in messages: yes and no, whole numbers without a decimal point."""
    if value is None:
        return NETWORKS_OWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def recipe_table(recipe: Recipe) -> list[str]:
    """The lines of a table with columns of settings; those that differ from their defaults have a star."""
    cells = [("*" if one.changed else " ", one.name, one.value) for one in recipe_settings(recipe)]
    lines = _in_columns(cells, MAX_COLUMNS)
    return lines if max(map(len, lines)) <= TABLE_WIDTH else _in_columns(cells, MAX_COLUMNS - 1)


def _in_columns(cells: list[tuple[str, str, str]], count: int) -> list[str]:
    rows = -(-len(cells) // count)
    columns = [_aligned(cells[start : start + rows]) for start in range(0, len(cells), rows)]
    return [" ".join(line).rstrip() for line in zip_longest(*columns, fillvalue="")]


def _aligned(cells: list[tuple[str, str, str]]) -> list[str]:
    names, values = (max(len(cell[part]) for cell in cells) for part in (1, 2))
    return [f"{star} {name:{names}}  {value:{values}}" for star, name, value in cells]
