"""The networks by name: ModelInfo, register, create_model, list_models."""

import dataclasses
import re
from fnmatch import fnmatchcase

from zoo.errors import ZooError, nearest
from zoo.models import ENTRIES
from zoo.models.network import ModelInfo, Network

__all__ = ["ModelInfo", "UnknownModel", "create_model", "list_models", "model_info", "register"]

_REGISTRY: dict[str, ModelInfo] = {info.name: info for info in ENTRIES}


class UnknownModel(ZooError):
    """No network has that name."""


def register(info: ModelInfo) -> None:
    """Add a network of your own. Raises ZooError where its name is taken."""
    if info.name in _REGISTRY:
        raise ZooError(f"a model named {info.name!r} is registered already; choose another name")
    _REGISTRY[info.name] = info


def list_models(pattern: str = "*") -> list[str]:
    """Names that match a glob such as "vgg*", in natural order (vgg11 before vgg16, b2 before b10)."""
    return sorted((name for name in _REGISTRY if fnmatchcase(name, pattern)), key=natural_key)


def natural_key(name: str) -> list[tuple[int, int | str]]:
    """Sort key that reads runs of digits as numbers."""
    return [(0, int(part)) if part.isdigit() else (1, part) for part in re.findall(r"\d+|\D+", name)]


def model_info(name: str) -> ModelInfo:
    """The record of a network. Raises UnknownModel, which shows the nearest names."""
    if name not in _REGISTRY:
        raise UnknownModel(f"unknown model {name!r}{nearest(name, _REGISTRY)}; python -m zoo list shows all")
    return _REGISTRY[name]


def create_model(name: str, **fields) -> Network:
    """A network by name; `fields` are those of its module, as `num_classes=10`, `dtype=jnp.bfloat16`.

    Raises UnknownModel, or ZooError for a field that the network does not have.
    """
    build = model_info(name).build
    known = {field.name for field in dataclasses.fields(getattr(build, "func", build))} - {"parent", "name"}
    for field in fields:
        if field not in known:
            raise ZooError(f"{name} has no {field!r}{nearest(field, known)}; it has {', '.join(sorted(known))}")
    return build(**fields)
