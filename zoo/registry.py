"""All networks by name: ModelInfo, register, create_model, list_models."""

import dataclasses
import inspect
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from zoo.errors import ZooError, suggestion
from zoo.models import ENTRIES
from zoo.models.network import ModelInfo, Network
from zoo.runtime.limits import CLASSES

__all__ = ["ModelInfo", "UnknownModel", "create_model", "list_models", "model_info", "register"]

_REGISTRY: dict[str, ModelInfo] = {info.name: info for info in ENTRIES}


class UnknownModel(ZooError):
    """No network has this name."""


def register(info: ModelInfo) -> None:
    """Add a network. Raises ZooError if another network has its name."""
    if info.name in _REGISTRY:
        raise ZooError(f"a model named {info.name!r} is already registered: choose another name")
    _REGISTRY[info.name] = info


def list_models(pattern: str = "*") -> list[str]:
    """All names that match a glob such as "vgg*", in natural order (vgg11 before vgg16, b2 before b10)."""
    return sorted((name for name in _REGISTRY if fnmatchcase(name, pattern)), key=natural_key)


def natural_key(name: str) -> list[tuple[int, int | str]]:
    """A sort key that compares digits as numbers."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in re.findall(r"\d+|\D+", name)]


def model_info(name: str) -> ModelInfo:
    """The record of a network. Raises UnknownModel, whose message suggests similar names."""
    if name not in _REGISTRY:
        raise UnknownModel(f"unknown model {name!r}{suggestion(name, _REGISTRY)} (zoo list shows all names)")
    return _REGISTRY[name]


def create_model(name: str, **fields: Any) -> Network:
    """A network by name; `fields` are fields of its module, such as `num_classes=10` or `dtype=jnp.bfloat16`.

    Raises UnknownModel, or ZooError if the network has no such field.
    """
    build = model_info(name).build
    known = _field_names(build)
    if known is not None:
        for field in fields:
            if field not in known:
                suggested = suggestion(field, known)
                raise ZooError(f"{name} has no field {field!r}{suggested}; its fields are {', '.join(sorted(known))}")
    if "num_classes" in fields:
        CLASSES.check(fields["num_classes"], "num_classes")
    try:
        return build(**fields)
    except TypeError as error:
        if known is not None or not fields or "unexpected keyword argument" not in str(error):
            raise
        raise ZooError(f"{name} does not have all of the fields {', '.join(sorted(fields))}: {error}") from error


def _field_names(build: Callable[..., Network]) -> set[str] | None:
    """The keyword arguments of a class of networks, or of a function that makes one; None if it takes any (`**`)."""
    made_by: Any = getattr(build, "func", build)  # of a partial
    if dataclasses.is_dataclass(made_by):
        return {field.name for field in dataclasses.fields(made_by) if field.init} - {"parent", "name"}
    parameters = inspect.signature(made_by).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return {parameter.name for parameter in parameters if parameter.kind is not parameter.POSITIONAL_ONLY}
