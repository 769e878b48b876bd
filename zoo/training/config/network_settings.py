"""The settings of a recipe that are fields of the network: `dropout`, `stochastic_depth`, `layer_scale`."""

import dataclasses
from collections.abc import Container, Mapping
from typing import Any

from zoo.errors import ZooError
from zoo.models.plain_fields import storable_fields
from zoo.registry import model_info
from zoo.runtime.records import as_record
from zoo.training.config.recipe import NETWORK_FIELDS, Recipe


def for_network(recipe: Recipe, model: str, given: Container[str], fields: Mapping[str, Any]) -> Recipe:
    """The recipe without the settings for which the network has no field, or has one of `fields`, its --model-arg.

    Raises ZooError for such a setting among the `given` ones, and for a value that is outside the field's range.
    """
    known = storable_fields(model_info(model).build)
    without: dict[str, None] = {}
    for name, value in recipe.network_fields.items():
        flag = "--" + name.replace("_", "-")
        if name in given and name in fields:
            raise ZooError(f"{name} is given twice: leave out {flag}, or --model-arg {name}")
        if name in given and name not in known:
            raise ZooError(f"{name} is given and has no effect: {model} has no such field; leave out {flag}")
        if name in fields or name not in known:
            without[name] = None
        else:
            as_record(value, known[name], flag)
    return dataclasses.replace(recipe, **without)  # type: ignore[arg-type]


def unused_in_network(chosen: Recipe, used: Recipe, model: str, fields: Mapping[str, Any]) -> list[str]:
    """A line for the settings of the `chosen` recipe for which the network has no field; `used` is without them."""
    lost = [name for name in NETWORK_FIELDS if name in chosen.network_fields.keys() - used.network_fields.keys()]
    settings = ", ".join(f"{name} {getattr(chosen, name):g}" for name in lost if name not in fields)
    return [f"{model} has no field for {settings} of the recipe, which has no effect"] if settings else []
