"""A recipe with the settings that were given in place of its own."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from zoo.training.config.recipe import Recipe


def with_given(recipe: Recipe, given: Mapping[str, Any]) -> Recipe:
    """The recipe with the `given` settings. A learning rate that is given without its batch size is the rate itself."""
    if "learning_rate" in given and "rate_batch" not in given:
        given = {**given, "rate_batch": 0}
    return dataclasses.replace(recipe, **given)
