"""What a weights file or a configuration may set of a network: its own fields of plain types, within their ranges."""

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any

import flax.linen as nn

from zoo.errors import ZooError, suggestion
from zoo.models.plain_fields import NEVER_STORED, PLAIN, field_names, storable_fields
from zoo.models.user_module.contract import MODES
from zoo.printable import quoted
from zoo.registry import UnknownModel, model_info
from zoo.runtime.records import UnknownField, as_record, unknown_field

# Of a run: its data and its recipe decide them.
RUN_FIELDS = ("num_classes", "image_shape", "aux_heads")


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


def settable_fields(model: str) -> dict[str, Any]:
    """The types of the fields that a user can set of a network that is to be trained."""
    kinds = storable_fields(model_info(model).build)
    return {name: kind for name, kind in kinds.items() if name not in RUN_FIELDS or name == "aux_heads"}


def not_settable(model: str, name: str) -> str:
    """Why a name is none of `settable_fields`, and what to do."""
    known = sorted(settable_fields(model))
    if name in ("num_classes", "image_shape"):
        return "the data, --classes and the image size set it: leave it out"
    if name in MODES:
        return "zoo sets it in training and in inference: leave it out"
    build = model_info(model).build
    if name in field_names(getattr(build, "func", build)):
        return "it is no number, text, true or false, or list of these: change its default in the class"
    fields = f"its fields are {', '.join(known)}" if known else "it has none to set"
    return f"{model} has no such field{suggestion(name, known)} ({fields})"


def _is_plain_value(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_plain_value, value))
    return value is None or isinstance(value, PLAIN)
