"""The report's pages; the browser is in tests/conftest.py."""

import pytest

import zoo
from zoo.report import report


@pytest.fixture(scope="module")
def googlenet(chromium_path):
    """GoogLeNet's page as HTML."""
    return report("googlenet")


@pytest.fixture(scope="module")
def summary():
    """GoogLeNet's counts."""
    return zoo.count.summarize(zoo.create_model("googlenet"), (1, 224, 224, 3))


@pytest.fixture(scope="module")
def shared(opened, googlenet):
    """GoogLeNet's page, opened once per module."""
    return opened(googlenet)


@pytest.fixture
def page(shared):
    """GoogLeNet's page, reloaded."""
    shared.reload()
    return shared
