"""The page is accessible: axe finds no violations, and nothing is wider than the page on a telephone or a desktop."""

import numpy as np
import pytest
from PIL import Image

from zoo.data.dataset import ArraySource
from zoo.report import report
from zoo.training import checkpoint_weights
from zoo.visualize.network_and_images import ImageSet

NETWORKS = ("googlenet", "resnet152")
# The elements that extend beyond the window, without those inside a part that scrolls.
OVERFLOWING = """() => [...document.querySelectorAll("body *")].filter((one) => {
  const box = one.getBoundingClientRect();
  const inside = one.closest(".scroll, .visually-hidden, .skip, svg svg, svg *, [hidden], template");
  return box.width && !(inside && inside !== one) && !one.matches(".skip, .visually-hidden")
    && (box.right > innerWidth + 0.5 || box.left < -0.5);
}).map((one) => `${one.tagName}.${one.className}`)"""


@pytest.fixture(scope="module")
def pages(chromium_path, short_run):
    """Made before the browser runs, as Orbax needs the event loop."""
    trained = checkpoint_weights(short_run.folder)
    images = np.stack([np.asarray(Image.open(path).resize((32, 32))) for path in short_run.data.rglob("[01].png")])
    source = ArraySource(images, np.full(len(images), -1))
    image_set = ImageSet(source, "squares", [f"square {n}" for n in range(len(images))])
    return {name: report(name) for name in NETWORKS} | {
        "beside": report("resnet18", compare="vgg11"),
        "trained": report(weights=trained, image_set=image_set, run=short_run.folder),
    }


def with_everything_open(page):
    page.locator("#table tr.layer:visible a").first.click()
    page.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
    return page


@pytest.mark.parametrize("width", [375, 1440])
@pytest.mark.parametrize("name", [*NETWORKS, "beside", "trained"])
def test_nothing_overflows(pages, opened, name, width):
    page = with_everything_open(opened(pages[name], width=width))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(OVERFLOWING) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["googlenet", "beside", "trained"])
def test_axe_finds_nothing(pages, opened, name, scheme):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="no axe: pip install axe-playwright-python"
    )
    page = with_everything_open(opened(pages[name], color_scheme=scheme))
    found = axe.Axe().run(page).response["violations"]
    assert {one["id"]: [node["html"][:200] for node in one["nodes"][:3]] for one in found} == {}


def test_each_scrolling_part_has_a_name(pages, opened):
    page = opened(pages["beside"])
    names = page.locator("main > section, main .scroll").evaluate_all("""(all) => all.map((one) =>
      one.getAttribute("aria-label") ?? document.getElementById(one.getAttribute("aria-labelledby")).textContent)""")
    assert len(names) == len(set(names)) > 8
    assert page.locator(".totals th").first.text_content() == "quantity"


def test_a_deep_networks_table_stays_usable(pages, opened):
    page = opened(pages["resnet152"], width=1440)
    # One row per block at first: 50 of them, conv1, the pools and the classifier.
    assert page.locator("#table tbody tr:visible").count() == 54
    page.get_by_label("Find").fill("conv4_20/")
    assert page.locator("#table tr.layer:visible").count() > 3
    seconds = page.evaluate("""() => {
      const began = performance.now();
      document.getElementById("find").value = "";
      document.getElementById("find").dispatchEvent(new Event("input"));
      document.getElementById("toggle-all").click();
      document.querySelector('th[data-key="macs"] button').click();
      document.body.getBoundingClientRect();
      return (performance.now() - began) / 1000;
    }""")
    assert seconds < 2
