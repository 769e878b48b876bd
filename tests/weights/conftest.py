"""A local web server for a test, and an empty cache."""

import pytest
from weights.server import BODY, serving


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as found:
        yield found


@pytest.fixture
def url(site):
    """Of a file on the server, whose bytes are BODY."""
    site.files["/w.bin"] = BODY
    return f"{site.address}/w.bin"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("ZOO_CACHE", str(folder))
    return folder
