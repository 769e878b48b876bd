"""Key maps: how other libraries name the modules of each network.

A new network's key map: add a file here, named as the family's file in `zoo/models`, whose dictionary `KEY_MAPS` is
{network's registry name: {library: KeyMap}}. Every file of this folder is loaded; nothing else lists them.
"""

import pkgutil
from importlib import import_module

from zoo.errors import ZooError, suggestion
from zoo.weights.key_map import KeyMap

_FAMILIES = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]

# {network: {library: key map}}; libraries are "torchvision", "timm", "keras" and others.
KEY_MAPS: dict[str, dict[str, KeyMap]] = {
    network: by_library for family in _FAMILIES for network, by_library in family.KEY_MAPS.items()
}


def known_key_maps(model_name: str) -> list[str]:
    """The libraries whose key maps are known for a network."""
    return list(KEY_MAPS.get(model_name, {}))


def find_key_map(model_name: str, library: str) -> KeyMap:
    """The key map of a network in a library. Raises ZooError where there is none."""
    found = KEY_MAPS.get(model_name, {})
    if library not in found:
        meant = suggestion(library, found)
        raise ZooError(f"{library} has no {model_name}; key maps for it: {', '.join(found) or 'none'}{meant}")
    return found[library]
