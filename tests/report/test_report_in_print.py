"""The printed page: parts that are closed on the screen are printed too."""

import pytest


def printed_rows(page):
    return page.locator("#table tr.layer:visible").count()


@pytest.fixture
def on_paper(page):
    """The page with its styles for printing."""
    page.emulate_media(media="print")
    yield page
    page.emulate_media(media="screen")


def test_all_rows_print(on_paper):
    assert printed_rows(on_paper) == 141


def test_of_what_is_searched_for_only_that_prints(page):
    page.get_by_label("Find").fill("4c/5x5_reduce")
    page.emulate_media(media="print")
    names = page.locator("#table tbody tr:visible > th").all_inner_texts()
    page.emulate_media(media="screen")
    # The convolution and its ReLU.
    assert (names[0].strip(), len(names)) == ("inception_4c", 3)


@pytest.mark.parametrize("script", [True, False])
def test_closed_parts_print_by_their_styles(opened, googlenet, script):
    page = opened(googlenet, java_script_enabled=script)
    assert not page.locator("#layer-140").is_visible()
    page.emulate_media(media="print")
    assert page.locator("#layer-140").is_visible()
    assert page.locator(".all-bottlenecks tbody tr:visible").count() == 18
    assert printed_rows(page) == 141


def test_closed_parts_are_open_only_while_it_prints(page):
    page.get_by_text("All 18 bottlenecks").click()
    opened = "() => [...document.querySelectorAll('details')].map((one) => one.open)"
    before = page.evaluate(opened)
    assert before.count(False) == 1
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert all(page.evaluate(opened))
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(opened) == before
