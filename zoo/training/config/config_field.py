"""A dataclass field that is also a flag of the command line: its default, its help text and its range in one place."""

import dataclasses
import math
from types import UnionType
from typing import Any, get_args

from zoo.errors import ZooError
from zoo.printable import quoted
from zoo.runtime.limits import MAX_COUNT
from zoo.runtime.number_range import NumberRange

# In messages, the value None of an optional setting.
NETWORKS_OWN = "own"
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
    A number that is optional (`float | None`) is None for the network's own.
    """
    metadata = {"help": help, "metavar": metavar, "minimum": minimum, "maximum": maximum, "below": below}
    return dataclasses.field(default=default, metadata=metadata)


def number_range(field: dataclasses.Field) -> NumberRange:
    """The range of a field that is a number."""
    limits = {name: field.metadata[name] for name in ("minimum", "maximum", "below")}
    return NumberRange(whole=value_type(field) is int, **limits)


def value_type(field: dataclasses.Field) -> Any:
    """The type of a field's values: float for `float | None` too."""
    return get_args(field.type)[0] if isinstance(field.type, UnionType) else field.type


def choices_of(field: dataclasses.Field) -> tuple[str, ...]:
    """The values of a Literal; () for every other type."""
    return () if isinstance(field.type, UnionType) else get_args(field.type)


def describe(field: dataclasses.Field) -> str:
    """The help text of a field's flag, with its range and its default."""
    limits, default = field.metadata, field.default
    values = [str(number_range(field))] if value_type(field) in (int, float) else []
    if field.type is bool:
        default = "on" if default else "off"
    if default is None:
        default = f"the network's {NETWORKS_OWN}"
    values.append(f"default: {default}" if default != "" else "default: none")
    return f"{limits['help']} ({'; '.join(values)})"


def check_fields(config: Any) -> None:
    """Raises ZooError, with field and value, for a value that is not among its choices or outside its range."""
    for field in dataclasses.fields(config):
        value, choices = getattr(config, field.name), choices_of(field)
        if choices and value not in choices:
            raise ZooError(f"{field.name} is {quoted(value)}: it must be one of {', '.join(choices)}")
        if isinstance(field.type, UnionType) and value is None:
            continue
        if value_type(field) in (int, float):
            number_range(field).check(value, field.name)
        if field.type in (bool, str) and not isinstance(value, field.type):
            raise ZooError(f"{field.name} is {quoted(value)}: it must be {WORDS[field.type]}")
