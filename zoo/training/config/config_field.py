"""A field of a dataclass that is a flag of the command line too."""

from dataclasses import field
from typing import Any


def setting(default: Any, help: str, metavar: str | None = None) -> Any:
    """A dataclass field with its default, and what the command line says about it; `metavar` stands for its value."""
    return field(default=default, metadata={"help": help, "metavar": metavar})
