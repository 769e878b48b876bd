"""What a caller of a run asks for: the same for the command and for `zoo.train`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zoo.data import Dataset
from zoo.training.checkpoint.run_folder import RunFolder
from zoo.training.checkpoint.run_memory import RunMemory
from zoo.training.config.recipe import Recipe
from zoo.training.config.run_options import RunOptions


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """A run as it is asked for: `overrides` are fields of the recipe, in place of those of the named or usual one.

    `recipe` is a whole one, in place of both. `fields` are fields of the network.
    """

    model: str
    dataset: Dataset
    folder: RunFolder | RunMemory
    overrides: Mapping[str, Any] = field(default_factory=dict)
    recipe_name: str | None = None
    recipe: Recipe | None = None
    pretrained: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    resume: bool = False
    options: RunOptions = field(default_factory=RunOptions)
