"""A user's own network, named package.module:attribute."""

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import flax.linen as nn

from zoo.errors import ZooError, suggestion


def load(name: str, fields: Mapping[str, Any]) -> nn.Module:
    """The Linen module that `name` is, or that the class or function there makes of `fields`.

    The current directory can be imported from. Raises ZooError, in one line, for all that may be wrong with it.
    """
    module_name, _, attribute = name.partition(":")
    module = _module(module_name)
    if not hasattr(module, attribute):
        public = [known for known in vars(module) if not known.startswith("_")]
        raise ZooError(f"{module_name} has no {attribute!r}{suggestion(attribute, public)}")
    found = getattr(module, attribute)
    if isinstance(found, nn.Module):
        if fields:
            raise ZooError(f"{name} is a finished module: its number of classes cannot be set from here")
        return found
    if not callable(found):
        raise ZooError(f"{name} is a {type(found).__name__}, neither a Linen module nor what makes one")
    try:
        made = found(**fields)
    except Exception as error:
        raise ZooError(f"{name}({', '.join(fields)}) makes no module: {error}") from error
    if not isinstance(made, nn.Module):
        raise ZooError(f"{name} makes a {type(made).__name__}, not a Linen module")
    return made


def _module(name: str) -> Any:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise ZooError(f"cannot import {name!r}: {type(error).__name__}: {error}") from error
