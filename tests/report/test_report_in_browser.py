"""The page in a real browser: its table works by mouse and by keyboard, and its numbers are those of `zoo.count`."""

from zoo.report import report


def names(page):
    """The names of the visible rows, from the top: blocks, and the layers of open blocks."""
    return [text.strip() for text in page.locator("#table tbody tr:visible > th").all_inner_texts()]


def _cells(page, column):
    return page.locator(f"#table tr.layer:visible > :nth-child({column})").all_inner_texts()


def test_it_loads_without_messages_or_requests(opened, googlenet):
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
    page.get_by_label("with activations and dropout").check()
    assert page.locator("#table tr.layer:visible").count() == 141
    page.get_by_role("button", name="Close all blocks").click()
    # The layers outside of blocks: four pools, two normalisations, the classifier.
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


def test_layers_are_found_by_name(page):
    page.get_by_label("Find").fill("4c/5x5")
    assert set(names(page)) == {"inception_4c", "5x5_reduce", "5x5"}


def test_every_number_of_the_table_is_that_of_count(page, summary):
    page.get_by_text("all layers", exact=True).first.click()
    page.get_by_label("with activations and dropout").check()
    for column, quantity in ((4, "parameters"), (5, "macs")):
        shown = [int((cell.split() or ["0"])[0].replace(",", "")) for cell in _cells(page, column)]
        assert shown == [getattr(row, quantity) for row in summary.rows]
    assert _cells(page, 3) == ["×".join(map(str, row.output_shape[1:])) for row in summary.rows]
    fields = [next((f"{n}" for n in row.receptive_field if n), "all") for row in summary.rows]
    assert _cells(page, 6) == fields


def test_a_block_of_the_diagram_opens_its_block(page):
    page.locator("#architecture").get_by_role("link", name="inception_4a").click()
    assert page.get_by_role("button", name="inception_4a", exact=True).get_attribute("aria-expanded") == "true"


def test_a_block_of_the_diagram_shows_its_block_and_clears_the_search(page):
    page.get_by_label("Find").fill("3a")
    page.locator("#architecture").get_by_role("link", name="inception_4a").click()
    block = page.get_by_role("button", name="inception_4a", exact=True)
    assert block.evaluate("button => button === document.activeElement")
    assert page.get_by_label("Find").input_value() == page.locator("#table-status").inner_text() == ""


def test_the_numbers_can_be_saved(page):
    with page.expect_download() as saved:
        page.get_by_role("link", name="JSON").click()
    assert saved.value.suggested_filename == "googlenet.json"


def test_the_content_is_complete_without_scripts(opened, googlenet):
    page = opened(googlenet, java_script_enabled=False)
    assert page.locator("#table tr.layer").count() == page.locator("#table tr.layer:visible").count() == 141
    page.locator("#table tr.layer a").first.click()
    assert "118,013,952" in page.locator("#layer-0").inner_text()
    assert "16×16×20" in page.locator("#convolution").inner_text()


def test_a_script_in_a_name_does_not_run(opened):
    page = opened(report("lenet5", image_name="<script>document.title = 'run'</script>", compare="lenet5"))
    assert page.title() == "lenet5 beside lenet5: architecture and numbers"
    assert page.noise == []
