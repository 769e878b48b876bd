"""The page in a real browser: what moves moves by mouse and by keyboard, and the numbers are those of `zoo.count`."""

import pytest

import zoo
from zoo.report import report


@pytest.fixture(scope="module")
def googlenet(chromium_path):
    return report("googlenet")


@pytest.fixture(scope="module")
def summary():
    return zoo.count.summarize(zoo.create_model("googlenet"), (1, 224, 224, 3))


@pytest.fixture(scope="module")
def shared(opened, googlenet):
    return opened(googlenet)


@pytest.fixture
def page(shared):
    shared.reload()
    return shared


def names(page):
    """The blocks, and of those that are open the layers, from the top."""
    return [text.strip() for text in page.locator("#table tbody tr:visible > th").all_inner_texts()]


def steps(place):
    """{label: result} of worked lines."""
    rows = place.locator("[data-step]")
    return dict(zip(rows.locator("dt").all_inner_texts(), rows.locator(".result").all_inner_texts(), strict=True))


def test_it_loads_without_a_word_or_a_request(opened, googlenet):
    assert opened(googlenet).noise == []


def test_a_block_opens_and_closes_by_mouse_and_by_keyboard(page):
    inception = page.get_by_role("button", name="inception_3a", exact=True)
    closed = names(page)
    inception.click()
    assert inception.get_attribute("aria-expanded") == "true"
    # Table 1: six convolutions and a pool; the concatenation is ours.
    assert len(names(page)) - len(closed) == 8
    inception.focus()
    page.keyboard.press("Enter")
    assert inception.get_attribute("aria-expanded") == "false"
    assert names(page) == closed


def test_all_blocks_open_at_once(page):
    page.get_by_role("button", name="Open all blocks").click()
    page.get_by_label("activations and dropout too").check()
    assert page.locator("#table tr.layer:visible").count() == 141
    page.get_by_role("button", name="Close all blocks").click()
    # What lies outside of blocks: four pools, two normalisations, the classifier.
    assert page.locator("#table tr.layer:visible").count() == 7


def test_columns_sort_by_mouse_and_by_keyboard(page):
    head = page.locator("#table").get_by_role("columnheader", name="parameters")
    before = names(page)
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert names(page)[:2] == ["inception_5b", "inception_5a"]
    head.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert names(page)[-1] == "inception_5b"
    page.locator("#table").get_by_role("columnheader", name="layer").get_by_role("button").click()
    assert names(page) == before


def test_all_layers_sort_together(page, summary):
    page.get_by_text("all layers", exact=True).first.click()
    page.locator("#table").get_by_role("columnheader", name="multiply-adds").get_by_role("button").click()
    shown = [int(cell.split()[0].replace(",", "")) for cell in _cells(page, 5)[:10]]
    assert shown == sorted((row.macs for row in summary.rows), reverse=True)[:10]


def _cells(page, column):
    return page.locator(f"#table tr.layer:visible > :nth-child({column})").all_inner_texts()


def test_layers_are_found_by_name(page):
    page.get_by_label("Find").fill("4c/5x5")
    assert set(names(page)) == {"inception_4c", "5x5_reduce", "5x5"}


def test_every_number_of_the_table_is_counts(page, summary):
    page.get_by_text("all layers", exact=True).first.click()
    page.get_by_label("activations and dropout too").check()
    for column, quantity in ((4, "parameters"), (5, "macs")):
        shown = [int((cell.split() or ["0"])[0].replace(",", "")) for cell in _cells(page, column)]
        assert shown == [getattr(row, quantity) for row in summary.rows]
    assert _cells(page, 3) == ["×".join(map(str, row.output_shape[1:])) for row in summary.rows]
    fields = [next((f"{n}" for n in row.receptive_field if n), "all") for row in summary.rows]
    assert _cells(page, 6) == fields


def test_the_script_works_every_layer_as_the_page_does(page):
    """The page's formulas are Python's; those for other paddings the script's: for the padding as built they agree."""
    differing = page.evaluate("""() => JSON.parse(document.getElementById("data").textContent).layers.flatMap(
      ({ window }, index) => {
        if (!window) return [];
        const line = (part) => part.textContent.replace(/\\s+/g, " ").trim();
        const text = (list) => [...list.children].map(line).join("|");
        const said = text(document.querySelector(`#layer-${index} .steps`));
        const worked = text(stepList(stepsOf(window, window.pads)));
        return said === worked ? [] : [[said, worked]];
      })""")
    assert differing == []


def test_a_layer_opens_its_formulas_by_mouse_and_by_keyboard(page, summary):
    page.get_by_role("button", name="conv1", exact=True).click()
    link = page.locator("#block-0 tr.layer a").first
    link.focus()
    page.keyboard.press("Enter")
    panel = page.locator(".panel")
    first = summary.rows[0]
    assert steps(panel) == {
        "output height": "112",
        "output width": "112",
        "output depth": "64",
        "parameters": f"{first.parameters:,}",
        "without sharing": f"{first.parameters_without_sharing:,}",
        "multiply-adds": f"{first.macs:,}",
    }
    page.keyboard.press("Escape")
    assert panel.count() == 0
    assert link.evaluate("link => link === document.activeElement")
    page.locator("#block-0 tr.layer").first.click()
    assert panel.count() == 1
    page.locator("#block-0 tr.layer").first.click()
    assert panel.count() == 0


def test_another_padding_is_worked_at_once(page):
    page.get_by_role("button", name="conv1", exact=True).click()
    page.locator("#block-0 tr.layer a").first.click()
    panel, found = page.locator(".panel"), {}
    for mode in ("SAME", "VALID"):
        panel.get_by_text(mode, exact=True).click()
        found[mode] = steps(panel)["output height"]
    panel.get_by_text("explicit", exact=True).click()
    panel.locator('input[type="number"]').fill("5")
    found["5"] = steps(panel)["output height"]
    expected = {
        mode: zoo.count.conv_output_shape((224, 224, 3), filters=64, kernel=7, stride=2, padding=padding)[0]
        for mode, padding in (("SAME", "SAME"), ("VALID", "VALID"), ("5", 5))
    }
    assert found == {mode: str(size) for mode, size in expected.items()}
    # By keyboard: from SAME with the arrow on to VALID.
    panel.locator('input[value="SAME"]').focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    assert steps(panel)["output height"] == found["VALID"]


def test_the_receptive_field_follows_the_mouse_and_the_arrow_keys(page):
    page.get_by_role("button", name="inception_3a", exact=True).click()
    page.locator("#table").get_by_role("button", name="5x5", exact=True).click()
    picker = page.locator(".panel .picker")
    area, said = picker.locator("svg.map"), picker.locator(".said")
    # zoo.count: 59 pixels, 8 apart, the first centre at 6; so place (0, 0) begins at 6 - 29.
    area.focus()
    page.keyboard.press("Home")
    assert said.inner_text().startswith("Place (0, 0) sees 59 pixels (-23 to 35")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert said.inner_text().startswith(
        "Place (1, 2) sees 59 pixels (-15 to 43, padding with it) by 59 pixels (-7 to 51"
    )
    box = picker.locator(".view .box")
    assert [float(box.get_attribute(name)) for name in ("x", "y", "width", "height")] == [-7, -15, 59, 59]
    frame = area.bounding_box()
    page.mouse.move(frame["x"] + 1, frame["y"] + 1)
    page.mouse.down()
    page.mouse.move(frame["x"] + frame["width"] * 20.5 / 28, frame["y"] + frame["height"] * 10.5 / 28, steps=5)
    page.mouse.up()
    assert (picker.get_attribute("data-row"), picker.get_attribute("data-column")) == ("10", "20")
    assert [float(box.get_attribute(name)) for name in ("x", "y")] == [6 - 29 + 20 * 8, 6 - 29 + 10 * 8]


def test_the_field_is_dragged_on_the_image_by_touch(opened, googlenet):
    page = opened(googlenet, width=375, has_touch=True)
    page.get_by_role("button", name="conv1", exact=True).tap()
    page.locator("#block-0 tr.layer a").first.tap()
    picker = page.locator(".panel .picker")
    picker.locator("svg.view").tap(position={"x": 20, "y": 20})
    assert int(picker.get_attribute("data-row")) < 20
    assert int(picker.get_attribute("data-column")) < 20


def test_the_lessons_convolution_reads_as_in_the_lesson(page):
    form, answer = page.locator("#example-form"), page.locator("#example-output")
    found = {}
    for mode in ("explicit", "SAME", "VALID"):
        form.get_by_text(mode, exact=True).click()
        found[mode] = answer.inner_text()
    assert found == {"explicit": "14×14×20", "SAME": "16×16×20", "VALID": "13×13×20"}
    form.locator('[value="explicit"]').focus()
    page.keyboard.press("Space")
    assert answer.inner_text() == "14×14×20"
    worked = steps(page.locator("#example-steps"))
    assert (worked["parameters"], worked["without sharing"]) == ("3,860", "756,560")
    form.get_by_label("window").fill("40")
    assert answer.inner_text() == "nothing"


def test_a_place_of_a_pool_shows_its_window(page):
    pool = page.locator("figure.pool").last
    pool.get_by_role("button", name="15").focus()
    assert pool.locator(".worked-line").inner_text() == "max(4, 0, 15, 1) = 15"
    assert pool.locator("td.inside").all_inner_texts() == ["4", "0", "15", "1"]
    pool.get_by_role("button", name="0.875").hover()
    assert pool.locator(".worked-line").inner_text() == "mean(0.5, 10, 1, −8) = 0.875"


def test_a_picture_of_the_strip_opens_its_block(page):
    page.locator("#architecture").get_by_role("link", name="inception_4a").click()
    assert page.get_by_role("button", name="inception_4a", exact=True).get_attribute("aria-expanded") == "true"


def test_the_numbers_can_be_saved(page):
    with page.expect_download() as saved:
        page.get_by_role("link", name="JSON").click()
    assert saved.value.suggested_filename == "googlenet.json"


def test_all_is_there_without_a_script(opened, googlenet):
    page = opened(googlenet, java_script_enabled=False)
    assert page.locator("#table tr.layer").count() == page.locator("#table tr.layer:visible").count() == 141
    page.locator("#table tr.layer a").first.click()
    assert "118,013,952" in page.locator("#layer-0").inner_text()
    assert "16×16×20" in page.locator("#example").inner_text()


def test_a_script_in_a_name_does_not_run(opened):
    page = opened(report("lenet5", image_name="<script>document.title = 'run'</script>", compare="lenet5"))
    assert page.title() == "lenet5 beside lenet5, worked"
    assert page.noise == []
