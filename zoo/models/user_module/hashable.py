"""Modules whose fields can be hashed: the jit of a training step hashes its network, and keeps traces by it."""

import dataclasses
from typing import Any

import flax.linen as nn
from flax.core import freeze


def make_hashable(module: nn.Module) -> None:
    """Replace lists by tuples and dictionaries by frozen ones, in the fields of the module and of modules in them.

    In place: a module that occurs twice shares its parameters, and two copies would not.
    """
    for field in dataclasses.fields(module):
        if field.name in ("parent", "name") or not hasattr(module, field.name):
            continue
        value = getattr(module, field.name)
        if (hashable := _hashable(value)) is not value:
            object.__setattr__(module, field.name, hashable)


def unhashable_field(module: nn.Module) -> str:
    """The name of a field that cannot be hashed, such as an array, with its type; "" if all can."""
    for field in dataclasses.fields(module):
        value = getattr(module, field.name, None)
        try:
            hash(value)
        except TypeError:
            return f"{field.name}, of the type {type(value).__name__}"
    return ""


def _hashable(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_hashable, value))
    if isinstance(value, tuple):
        parts = tuple(map(_hashable, value))
        return value if all(new is old for new, old in zip(parts, value, strict=True)) else parts
    if isinstance(value, dict):
        return freeze({key: _hashable(part) for key, part in value.items()})
    if isinstance(value, nn.Module) and value.scope is None:
        make_hashable(value)
    return value
