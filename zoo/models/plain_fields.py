"""The types of a network's fields that are numbers, text, or tuples of these, with their ranges."""

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any

from msgspec import Meta

from zoo.models.network import Network
from zoo.models.user_module.contract import MODES
from zoo.runtime.records import as_record

# Not of JSON, or of Flax and not of the network.
NEVER_STORED = {"name", "parent", "dtype", "param_dtype", "act"}
PLAIN = (bool, int, float, str)
SCALAR = bool | Annotated[int, Meta(ge=-(2**31), lt=2**31)] | float | str
UNTYPED = SCALAR | tuple[SCALAR, ...]  # of a user's function, or Any


def checked_fields(model: str, build: Callable[..., Network], fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields, lists as tuples and numbers of NumPy as Python's. Raises InvalidRecord for a wrong type or range."""
    kinds = storable_fields(build)
    checked = {
        name: as_record(value.tolist() if hasattr(value, "tolist") else value, kinds[name], model, at=name)
        for name, value in fields.items()
        if name in kinds
    }
    return {**fields, **checked}


@lru_cache(maxsize=64)
def storable_fields(build: Callable[..., Network]) -> Mapping[str, Any]:
    """The types of the fields that are numbers, text, or tuples of these.

    Those of a function are its keyword arguments, and those of every network where it takes any.
    """
    made_by: Any = getattr(build, "func", build)  # of a partial
    hints, names = _types_of_defaults(made_by) | _hints(made_by), field_names(made_by)
    if not dataclasses.is_dataclass(made_by):
        parameters = inspect.signature(made_by).parameters.values()
        if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            hints, names = {**_hints(Network), **hints}, names | _hints(Network).keys()
    typed = {name: _as_tuples(hints.get(name, UNTYPED)) for name in names - NEVER_STORED - MODES.keys()}
    return {name: kind for name, kind in typed.items() if _is_plain(kind)}


def _types_of_defaults(made_by: Any) -> dict[str, Any]:
    """Of a function whose arguments have no annotations."""
    defaults = {one.name: one.default for one in inspect.signature(made_by).parameters.values()}
    return {name: type(value) for name, value in defaults.items() if type(value) in PLAIN}


def field_names(made_by: Any) -> set[str]:
    """The names of the arguments of a class or function."""
    if dataclasses.is_dataclass(made_by):
        return {field.name for field in dataclasses.fields(made_by) if field.init}
    return set(inspect.signature(made_by).parameters)


def _as_tuples(kind: Any) -> Any:
    """A type of a user's field with tuples for lists and sequences: a network can be hashed."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind in (list, tuple, Sequence) or (origin in (list, tuple, Sequence) and not arguments):
        return tuple[SCALAR, ...]
    if origin in (list, Sequence):
        return tuple[_as_tuples(arguments[0]), ...]  # type: ignore[misc]
    if origin in (typing.Union, types.UnionType):
        return typing.Union[tuple(map(_as_tuples, arguments))]  # noqa: UP007
    return UNTYPED if kind is Any else kind


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
