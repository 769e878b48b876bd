"""The lesson in a real browser, which tests/conftest.py has."""

import pytest

from zoo.lesson import lesson


@pytest.fixture(scope="module")
def shared(chromium_path, opened):
    """The page, opened once per module, without animations that start by themselves."""
    return opened(lesson(), reduced_motion="reduce")


@pytest.fixture
def page(shared):
    """The page, reloaded."""
    shared.reload()
    return shared
