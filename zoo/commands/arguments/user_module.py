"""A network of the user, named package.module:attribute."""

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import flax.linen as nn

from zoo.errors import ZooError, suggestion


def load_user_module(name: str, fields: Mapping[str, Any]) -> nn.Module:
    """The Linen module called `name`, or what the class or function of that name returns for `fields`.

    Modules in the current directory can be imported too. Raises ZooError where it cannot be imported or made.
    """
    module_name, _, attribute = name.partition(":")
    module = _import_module(module_name)
    if not hasattr(module, attribute):
        public = [known for known in vars(module) if not known.startswith("_")]
        raise ZooError(f"{module_name} has no {attribute!r}{suggestion(attribute, public)}")
    found = getattr(module, attribute)
    if isinstance(found, nn.Module):
        if fields:
            raise ZooError(f"{name} is a module already: its number of classes cannot be changed here")
        return found
    if not callable(found):
        raise ZooError(f"{name} is a {type(found).__name__}: name a Linen module, or a function that returns one")
    try:
        made = found(**fields)
    except Exception as error:
        raise ZooError(f"{name}({', '.join(fields)}) failed: {error}") from error
    if not isinstance(made, nn.Module):
        raise ZooError(f"{name} returns a {type(made).__name__}, not a Linen module")
    return made


def _import_module(name: str) -> ModuleType:
    current_directory = str(Path.cwd())
    if current_directory not in sys.path:
        sys.path.insert(0, current_directory)
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise ZooError(f"cannot import {name!r}: {type(error).__name__}: {error}") from error
