"""Pretrained networks by name."""

from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.models.network import Network
from zoo.weights.files import Weights, load


def open_pretrained(name: str, weights: str | Path | None = None) -> Weights:
    """The weights of a network with all that is needed to predict with them."""
    if weights is None:
        raise ZooError(f"no weights are known for {name}: name a file")
    found = load(weights)
    if found.model != name:
        raise ZooError(f"{weights} holds weights of {found.model}, not of {name}")
    return found


def load_pretrained(name: str, weights: str | Path | None = None) -> tuple[Network, dict[str, Any]]:
    """A network and its variables."""
    found = open_pretrained(name, weights)
    return found.network(), dict(found.variables)
