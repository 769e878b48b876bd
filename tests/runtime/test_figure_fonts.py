"""Text of any script in figures: no boxes and no warnings."""

import warnings

import matplotlib
import matplotlib.font_manager
import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib.figure import Figure

from zoo.errors import ZooWarning
from zoo.printable import printable
from zoo.runtime.figure_fonts import fonts_for
from zoo.training.logging.curves import curves_figure, draw_curves
from zoo.visualize.sheets.confusion import confusion_figure, save_confusion
from zoo.visualize.sheets.figures import save_figure
from zoo.visualize.sheets.sheet import add_sheet, draw_sheet, index_path
from zoo.visualize.sheets.sheet_image import SheetImage

# Han, Hangul, Devanagari, Ethiopic, private use, not assigned, half of a pair; what DejaVu Sans has; marks.
# Private use: no font has it, as no font of this machine may have Han.
UNKNOWN = "\U000f0000"
NAMES = (
    "猫",
    "고양이",
    "बिल्ली",
    "ድመት",
    "\ue000",
    "\U000eeeee",
    "\udc80",
    "кот",
    "γάτα",
    "ねこ\u200d\ufe0f",
    "$x^$",
    "a\tb",
)


@pytest.fixture(autouse=True)
def warnings_are_errors():
    """Matplotlib's; those of zoo have the legend."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("always", ZooWarning)
        yield


def labelled(*labels):
    return [[SheetImage(np.zeros((4, 4, 3)), label=label) for label in labels]]


def test_confusion_sheet_and_curves_of_any_script(tmp_path):
    with pytest.warns(ZooWarning):
        save_confusion(tmp_path / "confusion.png", np.eye(len(NAMES), dtype=int), NAMES)
    sheet = draw_sheet("sheet", labelled("\n".join(NAMES)), "".join(NAMES), "".join(NAMES))
    save_figure(sheet.figure, tmp_path / "sheet")
    with pytest.warns(ZooWarning):
        draw_curves([], tmp_path / "curves.png", f"lenet5 on {UNKNOWN}")
    assert {path.name for path in tmp_path.iterdir()} == {"confusion.png", "sheet.png", "sheet.pdf", "curves.png"}


def test_a_word_that_no_font_can_draw_is_a_number_with_a_legend():
    fonts = fonts_for([f"a{UNKNOWN}.png", f'6 of 9 are "{UNKNOWN}" (кот)', f"b, a{UNKNOWN}.png"])
    assert fonts.numbers == {f"a{UNKNOWN}.png": "#1", UNKNOWN: "#2"}
    assert fonts.legible(f'a{UNKNOWN}.png: 6 of 9 are "{UNKNOWN}" (кот)') == '#1: 6 of 9 are "#2" (кот)'
    assert fonts.legend.startswith(f"#1 is a{printable(UNKNOWN)}.png, #2 is {printable(UNKNOWN)}; ")
    assert not any(name.startswith("Last Resort") for name in fonts.families)


def test_what_can_be_drawn_has_no_number():
    fonts = fonts_for(["кот γάτα Größe\U000e0100"])
    assert fonts.legible("кот γάτα\nGröße\U000e0100") == "кот γάτα\nGröße"
    assert (fonts.numbers, fonts.legend) == ({}, "")


def test_the_legend_of_a_sheet_is_on_the_page_that_lists_it(tmp_path):
    add_sheet(tmp_path, draw_sheet("sheet", labelled(f"{UNKNOWN}.png"), "title", "caption"), "command")
    assert f"#1 is {UNKNOWN}.png" in index_path(tmp_path).read_text(encoding="utf-8")


def test_the_legend_of_a_confusion_figure_and_of_curves_is_a_line():
    with pytest.warns(ZooWarning, match=f"#1 is {UNKNOWN}, #2 is {UNKNOWN}2;"):
        confusion_figure(np.eye(3, dtype=int), (UNKNOWN, "cat", f"{UNKNOWN}2"))
    with pytest.warns(ZooWarning, match=f"#1 is {UNKNOWN};"):
        curves_figure([], f"lenet5 on {UNKNOWN}")


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """A font that was installed after Matplotlib made its list, with a glyph for UNKNOWN."""
    pen = TTGlyphPen(None)
    for draw, point in zip((pen.moveTo, pen.lineTo, pen.lineTo), ((0, 0), (500, 0), (500, 500)), strict=True):
        draw(point)
    pen.closePath()
    triangle = pen.glyph()
    font = FontBuilder(1000)
    font.setupGlyphOrder([".notdef", "cat"])
    font.setupCharacterMap({ord(UNKNOWN): "cat"})
    font.setupGlyf({".notdef": triangle, "cat": triangle})
    font.setupHorizontalMetrics({".notdef": (600, 0), "cat": (600, 0)})
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": "Zoo Test", "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(tmp_path / "test.ttf")
    (tmp_path / "damaged.ttf").write_bytes(b"no font")
    manager = matplotlib.font_manager.fontManager
    monkeypatch.setattr(manager, "ttflist", list(manager.ttflist))
    files = [str(tmp_path / "damaged.ttf"), str(tmp_path / "test.ttf")]
    monkeypatch.setattr(matplotlib.font_manager, "findSystemFonts", lambda: files)


def test_a_font_that_is_installed_later_draws_the_names(installed):
    fonts = fonts_for([f"{UNKNOWN}.png"])
    assert fonts.legible(f"{UNKNOWN}.png") == f"{UNKNOWN}.png" and not fonts.legend
    assert fonts.families[-1] == "Zoo Test"
    Figure().text(0, 0, UNKNOWN, fontfamily=fonts.families).figure.canvas.draw()


def test_another_font_is_used_where_the_first_lacks_a_character():
    """Computer Modern has no Cyrillic, and DejaVu, which comes with Matplotlib, does."""
    with matplotlib.rc_context({"font.family": ["cmr10"]}):
        fonts = fonts_for(["кот"])
        assert fonts.families[0] == "cmr10" and len(fonts.families) > 1
        assert fonts.legible("кот") == "кот"
        Figure().text(0, 0, "кот", fontfamily=fonts.families).figure.canvas.draw()


def test_a_font_that_is_not_installed():
    with matplotlib.rc_context({"font.family": ["No Such Font"]}):
        assert fonts_for(["кот"]).legible("кот") == "кот"
