"""The two devices that the tests of this folder compare."""

import os
from pathlib import Path

import jax
import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.gpu)


@pytest.fixture(scope="session")
def accelerator():
    """JAX's default device. A CPU only where ZOO_TESTS_PLATFORMS=cpu asks for it, which tries the tests themselves."""
    device = jax.devices()[0]
    if device.platform == "cpu" and os.environ.get("ZOO_TESTS_PLATFORMS") != "cpu":
        pytest.skip("no accelerator: set ZOO_TESTS_PLATFORMS=cuda,cpu")
    return device
