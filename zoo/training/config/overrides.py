"""A recipe with the settings that were given in place of its own, and what depends on them."""

import dataclasses
import math
from collections.abc import Container, Mapping
from fractions import Fraction
from typing import Any

from zoo.training.config.crop_sizes import NO_SIZES, parse_crop_sizes
from zoo.training.config.recipe import Recipe


def with_given(recipe: Recipe, given: Mapping[str, Any]) -> Recipe:
    """The recipe with the `given` settings.

    A learning rate that is given without its batch size is the rate itself. A crop that is given replaces the other.
    """
    replaced: dict[str, Any] = {}
    if "learning_rate" in given:
        replaced["rate_batch"] = 0
    if given.get("crop"):
        replaced["crop_sizes"] = NO_SIZES
    if given.get("crop_sizes", NO_SIZES) != NO_SIZES:
        replaced["crop"] = 0.0
    return dataclasses.replace(recipe, **{**replaced, **given})


def fit_sizes(recipe: Recipe, given: Container[str], *, own: int, size: int) -> Recipe:
    """The recipe with its `crop_sizes` and `eval_size` for images of `size` pixels, where they are for `own` ones.

    Those that are `given` stay.
    """
    factor, sides = Fraction(size, own), parse_crop_sizes(recipe.crop_sizes)
    fitted: dict[str, Any] = {}
    if sides and factor != 1 and "crop_sizes" not in given:
        first, last = (math.ceil(side * factor) for side in sides)
        fitted["crop_sizes"] = str(first) if first == last else f"{first}-{last}"
    if recipe.eval_size and factor != 1 and "eval_size" not in given:
        fitted["eval_size"] = round(recipe.eval_size * factor)
    return dataclasses.replace(recipe, **fitted)
