"""The page is one small file without requests; its code runs; its languages are there."""

import re
from pathlib import Path

import pytest
from command_line import error_of

from zoo.__main__ import main
from zoo.errors import ZooError
from zoo.lesson import lesson
from zoo.lesson.markdown import lesson_markdown
from zoo.lesson.page import SECTIONS, TEMPLATES

CODE = re.compile(r'<pre tabindex="0" class="code"[^>]*><code>(.*?)</code></pre>', re.DOTALL)
SAMPLES = [
    (name, code)
    for name in SECTIONS
    for code in CODE.findall((TEMPLATES / "en" / f"{name}.html.j2").read_text(encoding="utf-8"))
]


@pytest.fixture(scope="module")
def page():
    return lesson()


def test_it_is_small_and_fetches_nothing(page):
    assert len(page.encode()) < 3 * 2**20
    assert not re.search(r'(src|href)="(?!data:|#|https://arxiv\.org/)', page)


def test_its_sections_follow_the_lesson(page):
    found = re.findall(r'<section id="(\w+)"', page)
    assert found == [*SECTIONS, "draw"]


def test_korean_sections_are_korean():
    page = lesson("ko")
    assert '<section id="inception" lang="ko">' in page
    assert '<section id="pooling" lang="en">' in page


def test_the_markdown_page_is_that_of_the_templates():
    assert (Path(__file__).parents[2] / "docs" / "lesson.md").read_text(encoding="utf-8") == lesson_markdown()


def test_another_language_is_refused():
    with pytest.raises(ZooError, match="en, ko"):
        lesson("kr")


def test_the_command_writes_it(tmp_path, capsys, page):
    out = tmp_path / "lesson.html"
    assert main(["lesson", "--out", str(out)]) == 0
    assert out.read_text(encoding="utf-8") == page


def test_a_folder_as_out_is_refused(tmp_path, capsys):
    assert "lesson.html" in error_of(capsys, "lesson", "--out", str(tmp_path))


def _numbers(text):
    return {float(number) for number in re.findall(r"\d+\.?\d*", text)}


# Slow together: the documentation step of CI runs them.
@pytest.mark.slow
@pytest.mark.parametrize("name, code", SAMPLES, ids=[name for name, _ in SAMPLES])
def test_code_runs_and_prints_what_it_says(name, code, capsys):
    exec(compile(code.replace("&gt;", ">"), name, "exec"), {"__name__": "sample"})
    printed = _numbers(capsys.readouterr().out)
    assert _numbers(" ".join(re.findall(r"print\(.*#(.*)", code))) <= printed
