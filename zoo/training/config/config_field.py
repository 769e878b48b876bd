"""A dataclass field that is also a flag of the command line: its default, its help text and its range in one place."""

import dataclasses
import math
from typing import Any

from zoo.errors import ZooError


def config_field(
    default: Any,
    help: str,
    *,
    metavar: str | None = None,
    minimum: float = 0,
    maximum: float = math.inf,
    below: float = math.inf,
) -> Any:
    """A dataclass field with the help text of its flag and the range of its values.

    A number must be at least `minimum`, at most `maximum` and less than `below`. `metavar` names the value in --help.
    """
    metadata = {"help": help, "metavar": metavar, "minimum": minimum, "maximum": maximum, "below": below}
    return dataclasses.field(default=default, metadata=metadata)


def describe(field: dataclasses.Field) -> str:
    """The help text of a field's flag, with its range and its default."""
    limits, default = field.metadata, field.default
    values = []
    if field.type in (int, float):
        upper = limits["maximum"] if math.isfinite(limits["maximum"]) else limits["below"]
        end = "less than " if math.isfinite(limits["below"]) else ""
        values.append(
            f"{limits['minimum']} to {end}{upper}" if math.isfinite(upper) else f"at least {limits['minimum']}"
        )
    if field.type is bool:
        default = "on" if default else "off"
    values.append(f"default: {default}" if default != "" else "default: none")
    return f"{limits['help']} ({'; '.join(values)})"


def check_fields(config: Any) -> None:
    """Raises ZooError, with field and value, for a value that is not among its choices or outside its range."""
    for field in dataclasses.fields(config):
        value, choices = getattr(config, field.name), getattr(field.type, "__args__", None)
        if choices and value not in choices:
            raise ZooError(f"{field.name} is {value!r}: it must be one of {', '.join(choices)}")
        if field.type in (int, float):
            _check_range(field, value)


def _check_range(field: dataclasses.Field, value: float) -> None:
    limits = field.metadata
    # Written so that NaN fails too.
    if not value >= limits["minimum"]:
        raise ZooError(f"{field.name} is {value}: it must be at least {limits['minimum']}")
    if field.type is float and not math.isfinite(value):
        raise ZooError(f"{field.name} is {value}: it must be a finite number")
    if value > limits["maximum"]:
        raise ZooError(f"{field.name} is {value}: it must be at most {limits['maximum']}")
    if value >= limits["below"]:
        raise ZooError(f"{field.name} is {value}: it must be less than {limits['below']}")
