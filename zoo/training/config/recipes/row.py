"""A row of the table of recipes."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

# A recipe's differences from the general default.
Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """The recipe of the networks whose names match one of the patterns `models`.

    `source` says where the settings are from, and what in them is not.
    """

    models: tuple[str, ...]
    settings: Settings
    source: str

    def is_for(self, model: str) -> bool:
        """Whether it is the recipe of a network of this name."""
        return any(fnmatchcase(model, pattern) for pattern in self.models)
