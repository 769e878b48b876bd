"""The page is one small file without requests; its code runs; its languages are there."""

import json
import re
from pathlib import Path

import pytest
from command_line import error_of

from zoo.__main__ import main
from zoo.errors import ZooError
from zoo.lesson.markdown import lesson_markdown
from zoo.lesson.page import SECTIONS, lesson, write_lesson
from zoo.lesson.table1 import table1_notes
from zoo.lesson.words import TEMPLATES, words

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
    assert found == list(SECTIONS)


def test_korean_sections_are_korean():
    page = lesson("ko")
    assert '<section id="inception" lang="ko">' in page
    assert '<section id="pooling" lang="en">' in page


def test_korean_names_no_text_that_english_lacks_and_has_all_of_its_sections():
    own = json.loads((TEMPLATES / "ko" / "words.json").read_text(encoding="utf-8"))
    translated = ("page.", "player.", "quiz.", "size.", "mixing.", "inception.", "branch.", "table1.")
    # Column titles such as #1x1 have no words.
    missing = [name for name in words("en") if name.startswith(translated) and name not in own]
    assert all(re.fullmatch(r"table1\.\dx\d", name) for name in missing)
    assert all(f"note.{label}" in own for label in table1_notes())
    assert set(own) - set(words("en")) == {name for name in own if name.startswith(("note.", "type."))}


def test_code_is_the_same_in_both_languages():
    for path in (TEMPLATES / "ko").glob("*.j2"):
        english = CODE.findall((TEMPLATES / "en" / path.name).read_text(encoding="utf-8"))
        assert CODE.findall(path.read_text(encoding="utf-8")) == english, path.name


def test_the_markdown_page_is_that_of_the_templates():
    assert (Path(__file__).parents[2] / "docs" / "lesson.md").read_text(encoding="utf-8") == lesson_markdown()


def test_another_language_is_refused():
    with pytest.raises(ZooError, match="en, ko"):
        lesson("kr")


def test_the_command_writes_it(tmp_path, capsys, page):
    out = tmp_path / "lesson.html"
    assert main(["lesson", "--out", str(out)]) == 0
    assert out.read_text(encoding="utf-8") == page


# As in tests/counting/googlenet_table1.json, in the order of the paper.
CELLS = ("patch_stride", "output", "depth", "n1x1", "n3x3_reduce", "n3x3", "n5x5_reduce", "n5x5", "pool_proj")


def test_googlenet_s_table_is_whole_and_exact(page):
    (table,) = re.findall(r'<table class="googlenet-table">.*?</table>', page, re.DOTALL)
    _, *rows = re.findall(r"<tr>.*?</tr>", table, re.DOTALL)
    # Without the numbers of notes, and without deviations.
    plain = [re.sub(r"<sup>.*?</sup>|<small.*?</small>", "", row) for row in rows]
    *lines, total = [[cell.strip() for cell in re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row)] for row in plain]
    reference = json.loads((Path(__file__).parents[1] / "counting" / "googlenet_table1.json").read_text())
    for found, row in zip(lines, reference["rows"], strict=True):
        printed = [_cell(row[name]) for name in CELLS]
        if row["type"] == "softmax":
            printed[1] += " (counted: none)"
        weights = [_cell(row["paper_params"]), _counted(row, "exact_weights")]
        assert found == [row["type"], *printed, *weights, _cell(row["paper_ops"]), _counted(row, "exact_macs")]
    counts = reference["totals"]["exact_weights"], reference["totals"]["exact_macs"]
    assert [total[-3], total[-1]] == [f"{count:,}" for count in counts]


def _cell(value):
    if isinstance(value, list):
        return "×".join(map(str, value))
    return "" if value is None else str(value).replace("x", "×")


def _counted(row, name):
    return f"{row[name]:,}" if name in row else ""


def test_networks_link_to_their_pages_only_where_there_are_some(tmp_path, monkeypatch, page):
    kept, folder = tmp_path / "my reports" / "nin.html", tmp_path / "my reports"
    folder.mkdir()
    kept.write_text("mine")
    monkeypatch.setattr("zoo.lesson.reports.write_report", lambda path, name: path.write_text(name))
    (tmp_path / "pages").mkdir()
    *reports, out = write_lesson(tmp_path / "pages" / "lesson.html", reports=folder)
    assert kept.read_text() == "mine" and kept not in reports
    links = set(re.findall(r'href="(\.\./[^"#]*)', out.read_text(encoding="utf-8")))
    assert links == {f"../my%20reports/{path.name}" for path in [*reports, kept]}
    assert not re.search(r'href="[^"#:]*\.html', page)


def test_a_file_as_the_folder_of_reports_is_refused(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert "file" in error_of(capsys, "lesson", "--out", str(tmp_path / "l.html"), "--reports", str(tmp_path / "file"))
    assert not (tmp_path / "l.html").exists()


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
