"""The report's pages in a real browser, which tests/conftest.py has."""

import pytest

import zoo
from zoo.report import report


@pytest.fixture(scope="module")
def opened(chromium, tmp_path_factory):
    """opened(html, width=..., ...) opens a page in a new tab; `page.noise` lists its messages and requests."""
    from playwright.sync_api import Page

    folder = tmp_path_factory.mktemp("pages")

    def open_page(html: str, *, width: int = 1440, **options) -> Page:
        path = folder / f"{abs(hash(html))}.html"
        path.write_text(html, encoding="utf-8")
        page = chromium.new_context(viewport={"width": width, "height": 900}, **options).new_page()
        page.set_default_timeout(5000)
        page.noise = []
        page.on("console", lambda message: page.noise.append(message.text))
        page.on("pageerror", lambda error: page.noise.append(str(error)))
        page.on("request", lambda request: page.noise.append(request.url[:200]))
        page.goto(path.as_uri())
        page.noise = [line for line in page.noise if line != path.as_uri() and not line.startswith("data:")]
        return page

    return open_page


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
