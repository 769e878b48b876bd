"""The page on a phone: short until its folded parts are opened, and links open what they lead to."""

import json

import numpy as np
import pytest
from quick import drawn

import zoo
from zoo.data import Preprocessing
from zoo.data.dataset import ArraySource
from zoo.report import report
from zoo.training import Recipe, RunConfig, RunFolder
from zoo.visualize.network_and_images import ImageSet
from zoo.weights import Weights

WIDTH, SCREEN = 375, 812
MAX_SCREENS = 12
PREPROCESSING = Preprocessing(image_shape=(32, 32, 1), mean=(0.4,), std=(0.2,))
DIGITS = tuple(map(str, range(10)))
# As many settings as a run with much augmentation changes.
RECIPE = Recipe(
    epochs=16, learning_rate=0.003, aux_heads=True, clip_norm=1.0, flip=True, mixup=0.2, label_smoothing=0.1
)


@pytest.fixture(scope="module")
def trained(chromium_path, tmp_path_factory):
    """The page of GoogLeNet with weights and a run; all that it can show is there: silent units, mistakes, curves."""
    run = RunFolder(tmp_path_factory.mktemp("runs") / "googlenet-digits")
    run.start(
        RunConfig(
            model="googlenet",
            dataset="digits",
            recipe=RECIPE,
            preprocessing=PREPROCESSING,
            class_names=DIGITS,
        )
    )
    rows = [{"step": n, "epoch": n, "loss": 1 / n, "test_loss": 2 / n, "accuracy": 0.5, "test_accuracy": 0.4,
             "learning_rate": 0.01 / n, "seconds": n} for n in range(1, 17)]  # fmt: skip
    run.metrics_file.write_text("\n".join(map(json.dumps, rows)))
    fields = {"num_classes": 10, "image_shape": (32, 32, 1)}
    variables = drawn(zoo.create_model("googlenet", **fields), PREPROCESSING.image_shape)
    weights = Weights(
        model="googlenet",
        variables=variables,
        preprocessing=PREPROCESSING,
        fields=fields,
        class_names=DIGITS,
        dataset="digits",
    )
    images = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 1), np.uint8)
    image_set = ImageSet(ArraySource(images, np.arange(40) % 10), "noise", class_names=DIGITS, dataset="digits")
    return report(weights=weights, image_set=image_set, run=run.path)


@pytest.fixture(params=["googlenet", "trained"])
def phone(request, opened):
    """A page of GoogLeNet, without weights and with a run, on a phone."""
    return opened(request.getfixturevalue(request.param), width=WIDTH)


def height(page):
    return page.evaluate("document.documentElement.scrollHeight")


def test_the_page_is_short_before_parts_are_opened(phone):
    assert height(phone) <= MAX_SCREENS * SCREEN


def test_each_folded_part_says_what_it_holds(phone):
    summaries = phone.locator("details:not([open]) > summary:visible").all_inner_texts()
    assert len(summaries) > 4 and all(summaries)
    # Every section has something to read before its parts are opened.
    assert all(phone.locator("main > section").evaluate_all("all => all.map((one) => one.innerText.length > 20)"))


def test_a_link_to_a_section_opens_its_parts(opened, googlenet):
    page = opened(googlenet, width=WIDTH)
    example = page.locator("#convolution-output")
    assert not example.is_visible()
    page.get_by_role("navigation").get_by_role("link", name="A convolution").click()
    example.wait_for(state="visible")
    assert page.locator("#convolution-title").evaluate("one => Math.abs(one.getBoundingClientRect().top) < 200")
    assert not page.locator("#pooling .grids").first.is_visible()


def test_a_wide_window_shows_all_of_it(opened, googlenet):
    page = opened(googlenet, width=WIDTH)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator("#pooling .grids").first.wait_for(state="visible")
    assert page.locator("details.fold > summary:visible").count() == 0


def test_silent_units_are_a_summary_until_opened(opened, trained):
    page = opened(trained, width=1440)
    numbers = page.locator("#learned td.units").first
    assert not numbers.is_visible()
    assert "units" in page.locator("#learned-dead-units + p").inner_text()
    page.get_by_text("The units of all").click()
    assert numbers.is_visible()


def test_without_scripts_nothing_is_folded(opened, googlenet):
    page = opened(googlenet, width=WIDTH, java_script_enabled=False)
    assert page.locator("#pooling .grids").first.is_visible()
