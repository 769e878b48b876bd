"""What a weights file or a configuration may set of a network: its own fields of plain types, within their ranges."""

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Annotated, Any

from msgspec import Meta

from zoo.errors import suggestion
from zoo.models.network import Network
from zoo.registry import UnknownModel, model_info
from zoo.runtime.records import InvalidRecord, as_record, unknown_field

# Not of JSON, or of Flax and not of the network.
NEVER_STORED = {"name", "parent", "dtype", "param_dtype", "act"}
PLAIN = (bool, int, float, str)
UNTYPED = bool | Annotated[int, Meta(ge=-(2**31), lt=2**31)] | float | str  # of a user's function


def network_fields(model: str, stored: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The `fields` that the file `where` has for a network, as `create_model` takes them: lists become tuples.

    Raises InvalidRecord for a field that a file cannot set, a wrong type and a value outside the field's range, and
    UnknownModel.
    """
    try:
        known = storable_fields(model_info(model).build)
    except UnknownModel as error:
        raise UnknownModel(f"{where}: {error}") from None
    for name in stored:
        if name in NEVER_STORED:
            raise InvalidRecord(f"{where}: fields.{name} is not for a file to set: remove it")
        if name not in known:
            raise InvalidRecord(f"{where}: {unknown_field(f'fields.{name}')}, of {model}{suggestion(name, known)}")
    return {name: as_record(value, known[name], where, at=f"fields.{name}") for name, value in stored.items()}


@lru_cache(maxsize=64)
def storable_fields(build: Callable[..., Network]) -> Mapping[str, Any]:
    """The types of the fields that are numbers, text, or tuples of these.

    Those of a function are its keyword arguments, and those of every network where it takes any.
    """
    made_by: Any = getattr(build, "func", build)  # of a partial
    hints = _hints(made_by)
    if dataclasses.is_dataclass(made_by):
        names = {field.name for field in dataclasses.fields(made_by) if field.init}
    else:
        parameters = inspect.signature(made_by).parameters.values()
        names = {parameter.name for parameter in parameters}
        if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            hints, names = {**_hints(Network), **hints}, names | _hints(Network).keys()
    typed = {name: hints.get(name, UNTYPED) for name in names - NEVER_STORED}
    return {name: kind for name, kind in typed.items() if _is_plain(kind)}


def _hints(made_by: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(made_by, include_extras=True)
    except (NameError, TypeError):  # of a user's module, whose annotations need not be importable
        return {}


def _is_plain(kind: Any) -> bool:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _is_plain(arguments[0])
    if origin is typing.Literal:
        return True
    if origin in (tuple, typing.Union, types.UnionType):
        return all(part in (Ellipsis, type(None)) or _is_plain(part) for part in arguments)
    return kind in PLAIN
