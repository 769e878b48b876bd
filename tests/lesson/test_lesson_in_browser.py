"""The page in a real browser: its questions, held against Python, and its animations."""

import re

import numpy as np
import pytest

from zoo.errors import ZooError
from zoo.lesson import lesson
from zoo.lesson.quizzes import ANSWERS, MAX_SIZES, WORKED, answer, lesson_quizzes

QUIZZES = lesson_quizzes()
WIDGETS = ("patches", "sliding-filter", "sharing", "pooling-play", "inception-volume")
# The printable width of A4 in CSS pixels, with margins of 1 cm.
A4_WIDTH = 718
SHAPES = ("grid_shape", "conv_shape", "pool_shape", "parameters_unshared", "parameters_shared")
COSTS = ("macs_direct", "macs_bottleneck")


def reply(page, name, text):
    form = page.locator(f"#quiz-{name}")
    form.locator("[name=answer]").fill(text)
    form.locator("button[type=submit]").click()
    return form.get_attribute("data-verdict"), form.locator(".reply").inner_text()


def test_it_loads_without_messages_or_requests(shared):
    assert shared.noise == []


@pytest.mark.parametrize("name", QUIZZES)
def test_each_question_takes_right_wrong_and_nonsense(page, name):
    assert reply(page, name, QUIZZES[name].answer)[0] == "right"
    assert reply(page, name, "123456789")[0] == "wrong"
    assert reply(page, name, "about as many")[0] == "unreadable"
    assert reply(page, name, " ")[0] == "empty"


@pytest.mark.parametrize(
    "name, given, part",
    [
        ("convolution", "13x13x20", "padding was forgotten"),
        ("convolution", "1x14x14x20", "batch"),
        ("convolution", "14 × 14 × 3", "depth"),
        ("unshared", "752,640", "biases"),
        ("shared", "756560", "without sharing"),
        ("same", "13x13x20", "VALID"),
        ("pool", "2x2x1", "depth does not change"),
        ("max_pool", "2.5, 15, 10, 6", "order"),
        ("mean_pool", "5.5,3.5,20,16", "divide by 4"),
        ("bottleneck", "40140800", "costs something"),
    ],
)
def test_it_says_what_went_wrong(page, name, given, part):
    verdict, text = reply(page, name, given)
    assert (verdict, part in text) == ("wrong", True), text


def test_changed_sizes_have_other_answers(page):
    form = page.locator("#quiz-convolution")
    form.locator("[name=size]").fill("64")
    assert reply(page, "convolution", "14x14x20")[0] == "wrong"
    assert reply(page, "convolution", "30x30x20")[0] == "right"
    form.locator("[name=kernel]").fill("64")
    form.locator("[name=size]").fill("3")
    assert reply(page, "convolution", "1x1x20")[0] == "impossible"


def test_answers_and_ways_are_python_s_on_thousands_of_sizes(page):
    generator = np.random.default_rng(0)
    cases = []
    for kind in (*SHAPES, *COSTS):
        for _ in range(500):
            sizes = {
                name: int(generator.integers(name != "padding", limit, endpoint=True)) for name, limit in LIMITS.items()
            }
            cases.append((kind, sizes, str(generator.choice(["explicit", "SAME", "VALID"]))))
    script = """cases => cases.map(([kind, sizes, mode]) => {
      const answer = QUIZZES[kind].answer(sizes, mode);
      return [answer, answer === null ? null : QUIZZES[kind].worked(sizes, mode)];
    })"""
    found = page.evaluate(script, cases)
    for (kind, sizes, mode), (text, way) in zip(cases, found, strict=True):
        expected = _expected(kind, sizes, mode)
        assert text == expected, (kind, sizes, mode)
        assert expected is None or way == WORKED[kind](sizes, mode), (kind, sizes, mode)
    assert sum(text is None for text, _ in found) < len(cases) / 2


# Small enough that a window often does not fit, and large enough for every size.
LIMITS = {name: min(limit, 64) for name, limit in MAX_SIZES.items()}


def _expected(kind, sizes, mode):
    try:
        return answer(kind, sizes, mode)
    except ZooError:
        return None


def test_every_kind_of_question_is_in_the_script(page):
    assert set(page.evaluate("Object.keys(QUIZZES)")) == set(ANSWERS)


@pytest.mark.parametrize("name", WIDGETS)
def test_each_animation_plays_pauses_and_steps_by_keyboard(page, name):
    widget = page.locator(f"#{name}")
    slider, play = widget.locator(".player input"), widget.locator(".player .play")
    assert slider.input_value() == "0"
    play.click()
    page.wait_for_function("([id]) => document.querySelector(`#${id} .player input`).value !== '0'", arg=[name])
    play.click()
    assert play.get_attribute("aria-pressed") == "false"
    paused = int(slider.input_value())
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert int(slider.input_value()) == paused - 1
    widget.locator(".player .next").click()
    assert int(slider.input_value()) == paused


def test_sharing_switched_off_by_keyboard_runs_to_all_parameters(page):
    """It jumps with reduced motion; the slider goes from one set of filters to one for each position."""
    counter = page.locator("#sharing .counter")
    page.locator("#sharing input[type=checkbox]").focus()
    page.keyboard.press("Space")
    assert counter.inner_text() == "756,560"
    page.keyboard.press("Space")
    assert counter.inner_text() == "3,860"
    page.locator("#sharing .player input").focus()
    page.keyboard.press("ArrowRight")
    assert not page.locator("#sharing input[type=checkbox]").is_checked()
    # Four positions with filters of their own, and one set for the others.
    assert counter.inner_text() == f"{5 * 3860:,}"


def test_sharing_switched_off_counts_up_pauses_and_ends(opened):
    page = opened(lesson(), reduced_motion="no-preference")
    page.locator("#sharing").scroll_into_view_if_needed()
    page.locator("#sharing input[type=checkbox]").uncheck()
    play, counter = page.locator("#sharing .play"), page.locator("#sharing .counter")
    assert play.get_attribute("aria-pressed") == "true"
    play.click()
    paused = counter.inner_text()
    page.wait_for_timeout(200)
    assert counter.inner_text() == paused != "756,560"
    play.click()
    page.wait_for_function("() => document.querySelector('#sharing .counter').textContent === '756,560'")
    page.wait_for_function("() => document.querySelector('#sharing .play').getAttribute('aria-pressed') === 'false'")


def test_mixing_by_keyboard(page):
    terms, picture = page.locator("#mixing .terms"), page.locator("#mixing canvas")
    page.wait_for_function("() => document.querySelector('#mixing .terms').textContent !== ''")
    seen = [terms.inner_text()]
    page.locator("#mix-red").focus()
    page.keyboard.press("End")
    assert "1·" in terms.inner_text()
    seen.append(terms.inner_text())
    page.locator("#mixing button").last.focus()
    page.keyboard.press("Enter")
    assert page.locator("#mix-bias").input_value() == "1"
    seen.append(terms.inner_text())
    picture.focus()
    page.keyboard.press("ArrowDown")
    assert "row 44, column 40" in terms.inner_text()
    seen.append(terms.inner_text())
    assert len(set(seen)) == 4


def test_the_filter_shows_products_and_sum(page):
    widget = page.locator("#sliding-filter")
    widget.get_by_role("button").first.wait_for()
    assert widget.locator(".terms").inner_text().endswith("= 21")
    widget.locator("[name=padding]").select_option("1")
    assert widget.locator("table").last.locator("tr").count() == 8


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1440])
def test_it_is_accessible_and_nothing_overflows(opened, scheme, width):
    from axe_playwright_python.sync_playwright import Axe

    page = opened(lesson(), width=width, reduced_motion="reduce", color_scheme=scheme)
    page.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
    violations = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:80]) for one in violations] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_is_accessible_in_korean(opened):
    from axe_playwright_python.sync_playwright import Axe

    violations = Axe().run(opened(lesson("ko"), reduced_motion="reduce")).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:80]) for one in violations] == []


def test_in_print_nothing_is_cut_and_answers_are_there(opened):
    page = opened(lesson(), width=A4_WIDTH, reduced_motion="reduce")
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= A4_WIDTH
    assert page.locator("#quiz-convolution .worked-answer p").first.is_visible()
    for name in (*WIDGETS, "mixing", "live", "gradient"):
        assert not page.locator(f"#{name}").is_visible(), name


@pytest.mark.parametrize("motion, plays", [("no-preference", "true"), ("reduce", "false")])
def test_an_animation_starts_by_itself_where_motion_is_wanted(opened, motion, plays):
    page = opened(lesson(), reduced_motion=motion)
    page.locator("#inception-volume").scroll_into_view_if_needed()
    page.wait_for_timeout(1000)
    assert page.locator("#inception-volume .play").get_attribute("aria-pressed") == plays


def test_without_scripts_questions_have_their_answers(opened):
    page = opened(lesson(), java_script_enabled=False)
    page.locator("#quiz-convolution summary").click()
    assert "14" in page.locator("#quiz-convolution .worked-answer").inner_text()


# What Korean text has of Latin letters: names, and words of the field in brackets. Code is left out.
NAMES = {"GoogLeNet", "ImageNet", "ILSVRC", "Inception", "inception", "AlexNet", "LeNet", "Network", "in", "TF", "Slim"}
NAMES |= {"SAME", "ReLU", "zoo", "sparse", "dense", "bottleneck"}
# Of all elements in both sections: the text, and what is read aloud or shown in place of it.
TEXTS = """() => ["one_by_one", "inception"].flatMap((id) => {
  const section = document.getElementById(id), copy = section.cloneNode(true);
  const names = ["aria-label", "aria-roledescription", "aria-valuetext", "alt", "title", "placeholder"];
  const said = [...section.querySelectorAll("*")].flatMap((one) => names.map((name) => one.getAttribute(name) ?? ""));
  copy.querySelectorAll("pre, code").forEach((one) => one.remove());
  return [copy.textContent, ...said];
}).join(" ")"""
MISTAKES = [("direct", "204800"), ("direct", "1254400"), ("bottleneck", "40140800"), ("bottleneck", "3211264")]


def test_sections_in_korean_have_no_english(opened):
    page = opened(lesson("ko"), reduced_motion="reduce")
    page.wait_for_function("() => document.querySelector('#mixing .terms').textContent !== ''")
    texts = [page.evaluate(TEXTS)]
    texts += [reply(page, name, given)[1] for name, given in MISTAKES]
    for name in ("direct", "bottleneck"):
        texts += [reply(page, name, given)[1] for given in (QUIZZES[name].answer, "123", "1 2", "what?", " ")]
    for step in range(5):
        page.locator("#inception-volume .player input").fill(str(step))
        texts.append(page.evaluate(TEXTS))
    page.locator("#inception-volume .play").click()
    texts.append(page.evaluate(TEXTS))
    words = set(re.findall(r"[A-Za-z]+", " ".join(texts))) - NAMES
    # Single letters are formulas: 3a, 5x5.
    assert {word for word in words if len(word) > 1} == set()
    assert page.locator("#quiz-direct [name=answer]").is_visible()
