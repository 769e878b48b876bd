"""What a weights file or a configuration may set of a network: its own fields of plain types, within their ranges."""

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any

import flax.linen as nn
from msgspec import Meta

from zoo.errors import ZooError, suggestion
from zoo.models.network import Network
from zoo.models.user_module.contract import MODES
from zoo.printable import quoted
from zoo.registry import UnknownModel, model_info
from zoo.runtime.records import UnknownField, as_record, unknown_field

# Not of JSON, or of Flax and not of the network.
NEVER_STORED = {"name", "parent", "dtype", "param_dtype", "act"}
PLAIN = (bool, int, float, str)
# Of a run: its data and its recipe decide them.
RUN_FIELDS = ("num_classes", "image_shape", "aux_heads")
SCALAR = bool | Annotated[int, Meta(ge=-(2**31), lt=2**31)] | float | str
UNTYPED = SCALAR | tuple[SCALAR, ...]  # of a user's function, or Any


def plain_fields(model: str, network: nn.Module) -> dict[str, Any]:
    """The values of a network's fields that a file may set, besides those that every network has.

    A file of the user's network states all of them: the defaults in the class may change. Of a function these are the
    defaults of its arguments.
    """
    build = model_info(model).build
    known = sorted(storable_fields(build).keys() - RUN_FIELDS)
    if dataclasses.is_dataclass(getattr(build, "func", build)):
        values = {name: getattr(network, name) for name in known}
    else:
        defaults = {one.name: one.default for one in inspect.signature(build).parameters.values()}
        values = {name: defaults[name] for name in known if name in defaults}
    return {name: value for name, value in values.items() if _is_plain_value(value)}


def field_value(model: str, fields: Mapping[str, Any], name: str) -> Any:
    """The value of a field of the network that has these `fields`, which need not name it."""
    defaults = {one.name: one.default for one in inspect.signature(model_info(model).build).parameters.values()}
    return {**defaults, **fields}.get(name)


def network_fields(model: str, stored: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The `fields` that the file `where` has for a network, as `create_model` takes them: lists become tuples.

    Raises InvalidRecord for a wrong type and a value outside the field's range, UnknownField, UnknownModel, and
    ZooError for a field that a file cannot set.
    """
    try:
        info = model_info(model)
        known = storable_fields(info.build)
    except UnknownModel as error:
        raise UnknownModel(f"{where}: {error}") from None
    for name in stored:
        if name in NEVER_STORED:
            raise ZooError(f"{where}: fields.{name} is not for a file to set: remove it")
        if name not in known and info.source:
            raise ZooError(
                f"{where} sets {quoted(name)}, and {model} has no such field now{suggestion(name, known)}: "
                "its class has to be as it was when that was written"
            )
        if name not in known:
            raise UnknownField(f"{where}: {unknown_field(f'fields.{name}')}, of {model}{suggestion(name, known)}")
    return {name: as_record(value, known[name], where, at=f"fields.{name}") for name, value in stored.items()}


def settable_in_python(model: str, name: str) -> bool:
    """Whether a network has a field of this name, of any type."""
    return name in _names(getattr(model_info(model).build, "func", model_info(model).build))


@lru_cache(maxsize=64)
def storable_fields(build: Callable[..., Network]) -> Mapping[str, Any]:
    """The types of the fields that are numbers, text, or tuples of these.

    Those of a function are its keyword arguments, and those of every network where it takes any.
    """
    made_by: Any = getattr(build, "func", build)  # of a partial
    hints, names = _types_of_defaults(made_by) | _hints(made_by), _names(made_by)
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


def _names(made_by: Any) -> set[str]:
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


def _is_plain_value(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_plain_value, value))
    return value is None or isinstance(value, PLAIN)


def _is_plain(kind: Any) -> bool:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _is_plain(arguments[0])
    if origin is typing.Literal:
        return True
    if origin in (tuple, typing.Union, types.UnionType):
        return all(part in (Ellipsis, type(None)) or _is_plain(part) for part in arguments)
    return kind in PLAIN
