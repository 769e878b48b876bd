"""The built site in a browser: what its search finds, the table of networks, and that a page fits a phone."""

import pytest
from documentation.blocks import ROOT

import zoo

SITE = ROOT / "build" / "site" / "html"
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
pytestmark = pytest.mark.skipif(not SITE.is_dir(), reason="no site: python docs/site/build.py")


@pytest.fixture
def site(chromium, served):
    """site(page, viewport, ...): the page, open in a new tab; `page.remote` are its requests to other hosts."""
    address = served(SITE)

    def open_page(name, viewport=DESKTOP, **options):
        page = chromium.new_context(viewport=viewport, **options).new_page()
        page.remote = []
        local = (address, "data:", "blob:")
        page.on("request", lambda request: request.url.startswith(local) or page.remote.append(request.url))
        page.goto(f"{address}/{name}")
        return page

    return open_page


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("receptive field", "How do I compute the receptive field of a layer?"),
        ("GoogLeNet", "9. The Inception module"),
        ("freeze", "How do I freeze a backbone?"),
        ("create_model", "zoo.create_model"),
    ],
)
def test_the_search_finds(site, words, found):
    page = site("index.html")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("Control+k")
    page.keyboard.type(words)
    page.get_by_text(found).first.wait_for()
    assert not page.remote


def test_the_table_of_networks_is_filtered_and_sorted(site):
    page = site("networks.html?q=vgg")
    names = zoo.list_models()
    assert page.inner_text("#network-count").startswith(f"{sum('vgg' in name for name in names)} of {len(names)} ")
    page.fill("#network-filter", "vgg 16")
    page.click("#network-table th:nth-child(2) button")
    names = page.locator("#network-table tbody tr:not([hidden]) code").all_inner_texts()
    # No network whose counts have these digits, such as repvgg_b1 with 57,415,016 parameters.
    assert names == ["vgg16", "vgg16_bn"]
    page.fill("#network-filter", "resnet 2016")
    assert "resnet50v2" in page.locator("#network-table tbody tr:not([hidden]) code").all_inner_texts()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "name", ["index", "networks", "how/freeze-backbone", "api/training", "counting", "runs", "notebooks/lesson_numbers"]
)
def test_a_page_fits_a_phone(site, name, scheme):
    page = site(f"{name}.html", PHONE, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert not page.remote
