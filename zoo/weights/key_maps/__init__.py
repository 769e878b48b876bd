"""What other libraries call the parts of each network: one family a file, found by its being here."""

import pkgutil
from importlib import import_module

from zoo.errors import ZooError
from zoo.weights.key_map import Names

_FAMILIES = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]

# Model name to source ("torchvision", "timm") to names.
NAMES: dict[str, dict[str, Names]] = {name: sources for family in _FAMILIES for name, sources in family.NAMES.items()}


def sources_of(model_name: str) -> list[str]:
    """The libraries whose names for a network are known."""
    return list(NAMES.get(model_name, {}))


def names_of(model_name: str, source: str) -> Names:
    """Raises ZooError where the source has no such network."""
    found = NAMES.get(model_name, {})
    if source not in found:
        raise ZooError(f"{source} has no {model_name}; sources for it: {', '.join(found) or 'none'}")
    return found[source]
