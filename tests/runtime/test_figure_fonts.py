"""Text of any script in figures: no boxes and no warnings."""

import warnings

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from zoo.runtime.figure_fonts import fonts_for
from zoo.training.logging.curves import draw_curves
from zoo.visualize.sheets.confusion import save_confusion
from zoo.visualize.sheets.figures import SheetImage, save_figure, sheet_figure

# Han, Hangul, Devanagari, Ethiopic, private use, not assigned, half of a pair; what DejaVu Sans has; marks.
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
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_confusion_sheet_and_curves_of_any_script(tmp_path):
    save_confusion(tmp_path / "confusion.png", np.eye(len(NAMES), dtype=int), NAMES)
    image = SheetImage(np.zeros((4, 4, 3)), label="\n".join(NAMES))
    save_figure(sheet_figure([[image]], "".join(NAMES), "".join(NAMES)), tmp_path / "sheet")
    draw_curves([], tmp_path / "curves.png", f"lenet5 on {NAMES[0]}")
    assert {path.name for path in tmp_path.iterdir()} == {"confusion.png", "sheet.png", "sheet.pdf", "curves.png"}


def test_a_character_that_no_font_has_is_escaped():
    fonts = fonts_for(["\U000eeeee"])
    assert fonts.legible("a\U000eeeee\n\U000e0100b") == "a\\U000eeeee\nb"
    assert fonts.legible("кот γάτα Größe") == "кот γάτα Größe"
    assert not any(name.startswith("Last Resort") for name in fonts.families)


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
