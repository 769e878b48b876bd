"""For the tests of this folder: runs share what is compiled for them."""

import pytest
from shared_programs import shared_programs


@pytest.fixture(scope="session", autouse=True)
def programs_are_shared():
    """Runs with the same settings trace and compile their programs once."""
    with shared_programs():
        yield
