"""A dataclass field that is also a flag of the command line: its default, its help text and its range in one place."""

import dataclasses
import math
from typing import Any

from zoo.errors import ZooError
from zoo.printable import quoted
from zoo.runtime.limits import MAX_COUNT
from zoo.runtime.number_range import NumberRange

# For messages.
WORDS = {bool: "True or False", str: "text"}


def config_field(
    default: Any,
    help: str,
    *,
    metavar: str | None = None,
    minimum: float = 0,
    maximum: float = MAX_COUNT,
    below: float = math.inf,
) -> Any:
    """A dataclass field with the help text of its flag and the range of its values.

    A number must be at least `minimum`, at most `maximum` and less than `below`. `metavar` names the value in --help.
    """
    metadata = {"help": help, "metavar": metavar, "minimum": minimum, "maximum": maximum, "below": below}
    return dataclasses.field(default=default, metadata=metadata)


def number_range(field: dataclasses.Field) -> NumberRange:
    """The range of a field that is a number."""
    limits = {name: field.metadata[name] for name in ("minimum", "maximum", "below")}
    return NumberRange(whole=field.type is int, **limits)


def describe(field: dataclasses.Field) -> str:
    """The help text of a field's flag, with its range and its default."""
    limits, default = field.metadata, field.default
    values = [str(number_range(field))] if field.type in (int, float) else []
    if field.type is bool:
        default = "on" if default else "off"
    values.append(f"default: {default}" if default != "" else "default: none")
    return f"{limits['help']} ({'; '.join(values)})"


def check_fields(config: Any) -> None:
    """Raises ZooError, with field and value, for a value that is not among its choices or outside its range."""
    for field in dataclasses.fields(config):
        value, choices = getattr(config, field.name), getattr(field.type, "__args__", None)
        if choices and value not in choices:
            raise ZooError(f"{field.name} is {quoted(value)}: it must be one of {', '.join(choices)}")
        if field.type in (int, float):
            number_range(field).check(value, field.name)
        if field.type in (bool, str) and not isinstance(value, field.type):
            raise ZooError(f"{field.name} is {quoted(value)}: it must be {WORDS[field.type]}")
