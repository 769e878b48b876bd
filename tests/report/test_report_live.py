"""A report with the weights of a small network has a panel in which the network computes."""

import numpy as np
import pytest
from PIL import Image

from zoo.data.dataset import ArraySource
from zoo.report import report
from zoo.training import checkpoint_weights
from zoo.visualize.network_and_images import ImageSet


@pytest.fixture(scope="module")
def trained(short_run):
    return checkpoint_weights(short_run.folder)


@pytest.fixture(scope="module")
def image_set(short_run):
    images = np.stack([np.asarray(Image.open(path).resize((32, 32))) for path in sorted(short_run.data.rglob("0.png"))])
    return ImageSet(
        ArraySource(images, np.full(len(images), -1)), "squares", [f"square {n}" for n in range(len(images))]
    )


@pytest.fixture(scope="module")
def page(chromium_path, trained, image_set, opened):
    return opened(report(weights=trained, image_set=image_set))


def test_a_report_without_weights_has_no_panel():
    assert 'id="live"' not in report("lenet5")


def test_the_answers_are_the_network_s(page, trained, image_set):
    for index, name in enumerate(image_set.names):
        page.get_by_role("button", name=f"test image: {name}").click()
        fitted = trained.preprocessing.fitted(image_set.source[index]["image"])
        logits = trained.network().apply(trained.variables, trained.preprocessing.normalized(fitted[None]))[0]
        shown = [float(text) for text in page.locator("[data-part=bars] td:last-child").all_inner_texts()]
        # The weights are float16 in the page, and the numbers have two decimals.
        assert np.abs(np.array(shown) - logits).max() < 0.02 * max(1, np.abs(logits).max())


def test_drawing_on_an_image_changes_its_answer(page):
    before = page.locator("[data-part=bars]").inner_text()
    frame = page.locator("canvas.pad").bounding_box()
    page.mouse.click(frame["x"] + frame["width"] * 0.8, frame["y"] + frame["height"] * 0.8)
    page.wait_for_timeout(300)
    assert page.locator("[data-part=bars]").inner_text() != before
    assert page.noise == []
