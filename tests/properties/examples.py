"""How many examples a property is checked with: a few, the same ones, in the default tests; many when they are slow."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy

BY_DEFAULT, AT_NIGHT = 20, 1000
examples = pytest.mark.parametrize("count", [BY_DEFAULT, pytest.param(AT_NIGHT, marks=pytest.mark.slow)])


def check(count: int, holds: Callable[..., None], *strategies: SearchStrategy[Any]) -> None:
    """Call `holds` with values of the strategies; it raises where the property does not hold."""
    configured = settings(
        max_examples=count,
        derandomize=count == BY_DEFAULT,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    configured(given(*strategies)(holds))()
