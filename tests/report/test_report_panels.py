"""The page's formulas and examples in a real browser: formulas, paddings, receptive fields, pooling."""

import flax.linen as nn

import zoo
from zoo.geometry import explicit_padding, output_size
from zoo.report import report


def results(part):
    """{label: result} of the formulas in a part of the page."""
    rows = part.locator("[data-quantity]")
    return dict(zip(rows.locator("dt").all_inner_texts(), rows.locator(".result").all_inner_texts(), strict=True))


def test_the_script_has_the_formulas_of_the_page(page):
    """The page has Python's formulas, and the script's for other paddings; for the network's padding both agree."""
    differing = page.evaluate("""() => JSON.parse(document.getElementById("data").textContent).layers.flatMap(
      ({ window }, index) => {
        if (!window) return [];
        const line = (part) => part.textContent.replace(/\\s+/g, " ").trim();
        const text = (list) => [...list.children].map(line).join("|");
        const inPage = text(document.querySelector(`#layer-${index} .formulas`));
        const byScript = text(formulaList(windowFormulas(window, window.pads)));
        return inPage === byScript ? [] : [[inPage, byScript]];
      })""")
    assert differing == []


def test_the_script_pads_as_the_networks_do(page):
    cases = [
        (size, kernel, stride, dilation, mode)
        for size in (7, 32)
        for kernel in (1, 2, 3, 8)
        for stride in (1, 2, 3)
        for dilation in (1, 2)
        for mode in ("SAME", "VALID", 2)
        if (kernel - 1) * dilation < size
    ]
    found = page.evaluate(
        """(cases) => cases.map(([size, kernel, stride, dilation, mode]) => {
          const window = {
            input_shape: [size, size, 3], kernel: [kernel, kernel], stride: [stride, stride],
            dilation: [dilation, dilation], groups: 1, filters: 1, bias: true,
          };
          const pads = typeof mode === "number" ? paddingOf("explicit", mode, window) : paddingOf(mode, 0, window);
          const made = outputShape(window, pads);
          return [pads[0], made && made[0]];
        })""",
        cases,
    )
    for (size, kernel, stride, dilation, mode), (pads, made) in zip(cases, found, strict=True):
        fits = (kernel - 1) * dilation < size + sum(pads)
        expected = output_size((size, size), kernel, stride, mode, dilation)[0] if fits else None
        assert made == expected, (size, kernel, stride, dilation, mode)
        assert tuple(pads) == explicit_padding((size, size), kernel, stride, mode, dilation)[0]


def test_a_layer_opens_its_formulas_by_mouse_and_by_keyboard(page, summary):
    page.get_by_role("button", name="conv1", exact=True).click()
    link = page.locator("#block-0 tr.layer a").first
    link.focus()
    page.keyboard.press("Enter")
    panel = page.locator(".panel")
    first = summary.rows[0]
    assert results(panel) == {
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


def test_escape_closes_a_panel_only_from_there(page):
    page.get_by_role("button", name="conv1", exact=True).click()
    row, panel, find = page.locator("#block-0 tr.layer").first, page.locator(".panel"), page.get_by_label("Find")
    link = row.locator("a")
    row.locator("td").first.click()
    assert link.get_attribute("aria-controls") == "panel"
    find.focus()
    page.keyboard.press("Escape")
    assert panel.count() == 1
    assert find.evaluate("field => field === document.activeElement")
    panel.locator(".map").focus()
    page.keyboard.press("Escape")
    assert panel.count() == 0
    assert link.evaluate("link => link === document.activeElement")
    assert link.get_attribute("aria-controls") is None
    # By mouse, anywhere in the row.
    row.locator("td").first.click()
    page.keyboard.press("Escape")
    assert panel.count() == 0


def test_another_padding_changes_the_formulas_at_once(page):
    page.get_by_role("button", name="conv1", exact=True).click()
    page.locator("#block-0 tr.layer a").first.click()
    panel, found = page.locator(".panel"), {}
    for mode in ("SAME", "VALID"):
        panel.get_by_text(mode, exact=True).click()
        found[mode] = results(panel)["output height"]
    panel.get_by_text("explicit", exact=True).click()
    panel.locator('input[type="number"]').fill("5")
    found["5"] = results(panel)["output height"]
    expected = {
        mode: zoo.count.conv_output_shape((224, 224, 3), filters=64, kernel=7, stride=2, padding=padding)[0]
        for mode, padding in (("SAME", "SAME"), ("VALID", "VALID"), ("5", 5))
    }
    assert found == {mode: str(size) for mode, size in expected.items()}
    # By keyboard: the arrow key moves from SAME to VALID.
    panel.locator('input[value="SAME"]').focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    assert results(panel)["output height"] == found["VALID"]


def panel_of(page, block, *, padding):
    """The formulas of a block's first layer with another padding."""
    page.locator(f"{block} tr.layer a").first.click()
    page.locator(".panel").get_by_text(padding, exact=True).click()
    return results(page.locator(".panel"))


def test_parameters_that_are_not_the_formulas_stay_under_another_padding(opened):
    page = opened(report("lenet5_1998"))
    # LeCun et al. 1998, section II.B: a coefficient and a bias per map in S2, a table of connections in C3.
    assert panel_of(page, "#block-1", padding="SAME")["parameters"] == "12"
    found = panel_of(page, "#block-2", padding="SAME")
    assert (found["output height"], found["parameters"], found["multiply-adds"]) == ("14", "1,516", "470,400")
    assert "without sharing" not in found
    # As built: 10x10x16 outputs of 5x5x6 each.
    was = page.locator('.panel [data-quantity="multiply-adds"] .as-built')
    assert was.inner_text() == "as built 240,000"
    assert page.locator('.panel [data-quantity="parameters"] .as-built').count() == 0


def test_weights_of_an_earlier_layer_are_not_counted_again_under_another_padding(opened):
    class Twice(nn.Module):
        @nn.compact
        def __call__(self, x):
            conv = nn.Conv(3, (3, 3), name="conv")
            return conv(conv(x))

    page = opened(report(Twice(), image_shape=(8, 8, 3)))
    page.locator("#table tr.layer:visible a").last.click()
    page.locator(".panel").get_by_text("VALID", exact=True).click()
    found = results(page.locator(".panel"))
    assert (found["output height"], found["parameters"], found["counted here"]) == ("6", "84", "0")


def test_the_receptive_field_follows_the_mouse_and_the_arrow_keys(page):
    page.get_by_role("button", name="inception_3a", exact=True).click()
    page.locator("#table").get_by_role("button", name="5x5", exact=True).click()
    picker = page.locator(".panel .picker")
    area, description = picker.locator("svg.map"), picker.locator(".description")
    # zoo.count: 59 pixels, 8 apart, the first centre at 6; so the field of position (0, 0) begins at 6 - 29.
    area.focus()
    page.keyboard.press("Home")
    assert description.inner_text().startswith("Position (0, 0): 59 pixels (-23 to 35")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert description.inner_text().startswith(
        "Position (1, 2): 59 pixels (-15 to 43, with padding) by 59 pixels (-7 to 51"
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


def test_a_map_gets_the_arrow_keys_from_a_screen_reader(page):
    area = page.locator("#convolution").get_by_role(
        "application", name="the output, 14×14 positions: 14 by 14 positions"
    )
    assert area.get_attribute("aria-roledescription") == "map of positions"


def test_shift_moves_by_an_eighth_of_the_maps_own_side(page):
    page.evaluate("""() => {
      const box = () => [0, 0, 1, 1], describe = () => "", positionAt = (y, x) => [y, x];
      const titles = ["", ""], image = [16, 800];
      const made = makePicker({ rows: 16, columns: 800, image, picture: "", box, describe, positionAt, titles });
      made.root.id = "wide";
      document.body.append(made.root);
    }""")
    picker = page.locator("#wide")
    picker.locator(".map").focus()
    for key in ("Home", "Shift+ArrowDown", "Shift+ArrowRight"):
        page.keyboard.press(key)
    assert (picker.get_attribute("data-row"), picker.get_attribute("data-column")) == ("2", "100")


def test_the_field_is_dragged_on_the_image_by_touch(opened, googlenet):
    page = opened(googlenet, width=375, has_touch=True)
    page.get_by_role("button", name="conv1", exact=True).tap()
    page.locator("#block-0 tr.layer a").first.tap()
    picker = page.locator(".panel .picker")
    picker.locator("svg.view").tap(position={"x": 20, "y": 20})
    assert int(picker.get_attribute("data-row")) < 20
    assert int(picker.get_attribute("data-column")) < 20


def test_the_lessons_convolution_has_the_lessons_numbers(page):
    form, answer = page.locator("#convolution-form"), page.locator("#convolution-output")
    found = {}
    for mode in ("explicit", "SAME", "VALID"):
        form.get_by_text(mode, exact=True).click()
        found[mode] = answer.inner_text()
    assert found == {"explicit": "14×14×20", "SAME": "16×16×20", "VALID": "13×13×20"}
    form.locator('[value="explicit"]').focus()
    page.keyboard.press("Space")
    assert answer.inner_text() == "14×14×20"
    formulas = results(page.locator("#convolution-formulas"))
    assert (formulas["parameters"], formulas["without sharing"]) == ("3,860", "756,560")
    form.get_by_label("window").fill("40")
    assert answer.inner_text() == "empty"


def test_numbers_out_of_bounds_become_the_bounds(page):
    form, answer = page.locator("#convolution-form"), page.locator("#convolution-output")
    for name in ("filters", "depth"):
        form.get_by_label(name).fill("99999999999")
    assert answer.inner_text() == "14×14×4096"
    # (8 * 8 * 2,048 + 1) * 4,096
    assert results(page.locator("#convolution-formulas"))["parameters"] == "536,875,008"
    form.get_by_label("depth").press("Enter")
    assert form.get_by_label("depth").input_value() == "2048"
    form.get_by_label("stride").fill("-3")
    assert answer.inner_text() == "27×27×4096"


def test_a_layers_padding_has_a_bound(page):
    page.get_by_role("button", name="conv1", exact=True).click()
    page.locator("#block-0 tr.layer a").first.click()
    panel = page.locator(".panel")
    panel.get_by_text("explicit", exact=True).click()
    panel.locator('input[type="number"]').fill("100000")
    # (224 + 2 * 99 - 7) / 2 + 1
    assert results(panel)["output height"] == "208"
    panel.locator('input[type="number"]').press("Tab")
    assert panel.locator('input[type="number"]').input_value() == "99"


def test_a_position_of_a_pooling_output_shows_its_window(page):
    pool = page.locator("figure.pooling").last
    pool.get_by_role("button", name="15").focus()
    assert pool.locator(".calculation").inner_text() == "max(4, 0, 15, 1) = 15"
    assert pool.locator("td.in-window").all_inner_texts() == ["4", "0", "15", "1"]
    pool.get_by_role("button", name="0.875").hover()
    assert pool.locator(".calculation").inner_text() == "mean(0.5, 10, 1, −8) = 0.875"
