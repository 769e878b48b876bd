"""Sheets: which arrays the matplotlib figures show, and files that PIL can read."""

import json
import re

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from zoo.errors import ZooError
from zoo.visualize.sheets import figures
from zoo.visualize.sheets.figures import save_figure
from zoo.visualize.sheets.sheet import Sheet, add_sheet, draw_sheet, index_path, read_index, sheet_name
from zoo.visualize.sheets.sheet_image import SheetImage, non_negative_map, signed_map
from zoo.visualize.tiles import (
    OUTSIDE_GREY,
    covers_image,
    crop_box,
    empty_margin,
    limit_box,
    mosaic,
    shrink_boxes,
    signed_to_colours,
    uint8_to_colours,
)

GENERATOR = np.random.default_rng(0)
VALUES = np.array([[-1.0, 0.5], [0.0, 2.0]])


def texts_of(figure):
    """All text of a figure outside of its axes."""
    return "\n".join(text.get_text() for text in figure.texts)


def test_zero_is_mid_grey_and_the_largest_magnitude_an_end():
    shown = signed_to_colours(np.array([[[-4.0], [0.0], [2.0]]]))
    np.testing.assert_allclose(shown, np.repeat([[[0.0], [0.5], [0.75]]], 3, axis=2))
    assert (signed_to_colours(np.zeros((2, 2, 3))) == 0.5).all()


def test_a_fraction_of_the_nonzero_values_saturates():
    values = np.concatenate([np.zeros(900), np.linspace(0.01, 1, 100)]).reshape(10, 100, 1)
    shown = signed_to_colours(values, saturated_fraction=0.1)[..., 0]
    assert (shown == 1).sum() == 10 and (shown == 0.5).sum() == 900 and shown.min() == 0.5


def test_photographs_keep_their_colours():
    image = GENERATOR.integers(0, 256, (4, 5, 3), np.uint8)
    np.testing.assert_allclose(uint8_to_colours(image) * 255, image)
    assert uint8_to_colours(image[..., :1]).shape == (4, 5, 3)


def test_crops_are_limited_to_the_image_and_grey_outside_of_it():
    image = GENERATOR.random((6, 8, 3))
    np.testing.assert_array_equal(crop_box(image, (1, 2, 4, 7)), image[1:4, 2:7])
    np.testing.assert_array_equal(crop_box(image, (-5, -9, 30, 40)), image)
    np.testing.assert_array_equal(crop_box(image, (-2, 0, 2, 3))[:2], np.full((2, 3, 3), OUTSIDE_GREY))
    assert limit_box((-3, 1, 5, 4), (6, 8)).tolist() == [0, 1, 6, 4]
    assert covers_image((-1, -1, 9, 9), (6, 8)) and not covers_image((0, 0, 6, 7), (6, 8))


def test_a_margin_without_energy_is_removed():
    pixels = np.zeros((2, 60, 60, 1))
    pixels[0, 30, 30] = pixels[1, 20:25, 18] = 1
    boxes = np.array([[15, 15, 46, 46], [5, 3, 36, 34]])  # 31x31 round the middles, 30 and 30, 20 and 18
    assert empty_margin(pixels, boxes, 1.0) == 11  # 15 pixels above and below the middle, of which 4 are kept
    assert empty_margin(pixels, boxes, 0.6) == 11  # 9x9 pixels are kept, with all of the 5 rows
    assert empty_margin(pixels[:1], boxes[:1], 1.0) == 11
    assert shrink_boxes(boxes, 11)[0].tolist() == [26, 26, 35, 35]
    pixels[1, 6, 18] = 1
    assert empty_margin(pixels, boxes, 1.0) == 1 and empty_margin(pixels, boxes, 0.8) == 11
    wide = np.array([[-20, -20, 81, 81], [-30, -32, 71, 69]])  # 101x101 round the same middles
    assert empty_margin(pixels, wide, 1.0) == 36 and empty_margin(pixels, wide, 0.8) == 46
    assert empty_margin(np.zeros_like(pixels), wide, 1.0) == 46


def test_a_mosaic_has_its_tiles_in_reading_order():
    tiles = [np.full((36, 18, 3), value) for value in (0.1, 0.2, 0.3, 0.4)]
    shown = mosaic(tiles, columns=3)
    assert shown.shape == (2 * 72 + 3, 3 * 36 + 2 * 3, 3)
    assert [shown[0, 0, 0], shown[0, 39, 0], shown[0, 78, 0], shown[80, 0, 0]] == [0.1, 0.2, 0.3, 0.4]
    assert shown[0, 37, 0] == shown[80, 60, 0] == 1


def test_scales_are_centred_for_signed_values_and_start_at_zero_otherwise():
    cell = signed_map(VALUES)
    assert (cell.low, cell.high) == (-2, 2)
    assert (non_negative_map(VALUES[1:]).low, non_negative_map(VALUES[1:]).high) == (0, 2)
    flat = signed_map(np.zeros((2, 2)))
    assert flat.low < 0 < flat.high


def test_a_sheet_has_its_texts_and_arrays():
    rows = [
        [SheetImage(GENERATOR.random((8, 8, 3)), "photo $1_2$"), signed_map(VALUES, "map", bar=True)],
        [
            non_negative_map(VALUES[1:], background=np.ones((1, 2, 3))),
            SheetImage(GENERATOR.random((4, 4, 3)), boxes=[(0, 0, 2, 2)] * 2),
        ],
    ]
    figure = draw_sheet("a", rows, "A title", "First line.\nSecond: 100 % of $x$ " + "and so on " * 40).figure
    texts = texts_of(figure)
    for part in ("A title", "photo $1_2$", "map", "First line.", "Second: 100 % of $x$"):
        assert part in texts
    pictures = [axes.get_images()[-1] for axes in figure.axes if axes.get_images()]
    np.testing.assert_array_equal(pictures[1].get_array(), VALUES)
    assert pictures[1].get_clim() == (-2, 2) and pictures[2].get_clim() == (0, 2)
    assert len(figure.axes) == 5  # one is the bar
    bar = figure.axes[2]
    assert [label.get_text() for label in bar.get_xticklabels()] == ["-2", "2"]
    boxed = figure.axes[4]
    assert len(boxed.patches) == 2 and [text.get_text() for text in boxed.texts] == ["1", "2"]
    # All is on the page.
    for text in figure.texts:
        box = text.get_window_extent().transformed(figure.transFigure.inverted())
        assert 0 <= box.x0 < box.x1 <= 1 and 0 <= box.y0 < box.y1 <= 1


def test_files_are_png_and_pdf_of_the_figures_size(tmp_path):
    figure = draw_sheet("a", [[SheetImage(np.ones((4, 4, 3)))] * 4], "t", "c").figure
    paths = save_figure(figure, tmp_path / "a.b")
    assert [path.name for path in paths] == ["a.b.png", "a.b.pdf"]
    with Image.open(paths[0]) as image:
        image.load()
        assert image.size == tuple(int(150 * inches) for inches in figure.get_size_inches())
    pdf = paths[1].read_bytes()
    assert pdf.startswith(b"%PDF-") and pdf.rstrip().endswith(b"%%EOF")
    (small, _) = save_figure(figure, tmp_path / "small", dpi=50)
    with Image.open(small) as image:
        assert image.size == tuple(int(50 * inches) for inches in figure.get_size_inches())
    again = save_figure(figure, tmp_path / "again")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]


@pytest.mark.parametrize(("colour", "mode"), [((0.2, 0.2, 0.2), "L"), ((1.0, 0.0, 0.0), "RGB")])
def test_a_grey_figure_is_stored_with_one_channel_and_looks_the_same(tmp_path, colour, mode):
    figure = draw_sheet("a", [[SheetImage(np.ones((4, 4, 3)) * colour)]], "t", "c").figure
    path, _ = save_figure(figure, tmp_path / "a")
    figure.savefig(tmp_path / "plain.png", dpi=150)
    with Image.open(path) as image, Image.open(tmp_path / "plain.png") as plain:
        assert image.mode == mode
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), np.asarray(plain.convert("RGB")))


def test_no_unfinished_file_is_left(tmp_path, monkeypatch):
    def broken(figure, path, dpi):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(figures, "_save_png", broken)
    with pytest.raises(ZooError, match=r"cannot write .*a\.png: No space left on device"):
        save_figure(Figure(), tmp_path / "a")
    assert not list(tmp_path.iterdir())


def a_sheet(name, title="t"):
    return draw_sheet(name, [[SheetImage(np.ones((4, 4, 3)))]], title, "a & b")


def listed(folder):
    """What the page links to, all of which is there; of each sheet a PNG and a PDF."""
    files = list(dict.fromkeys(re.findall(r'(?:src|href)="([^"]+)"', index_path(folder).read_text())))
    assert all((folder / file).is_file() for file in files)
    assert files[::2] == [file.replace(".pdf", ".png") for file in files[1::2]]
    return files[::2]


def test_the_page_lists_all_sheets_after_every_sheet(tmp_path):
    folder, command = tmp_path / "new" / "folder", "python -m zoo visualize --layers 'a b'"
    for count, name in enumerate(("one", "two"), start=1):
        add_sheet(folder, a_sheet(name, f"title <{name}>"), command)
        assert listed(folder) == ["one.png", "two.png"][:count]
    page = index_path(folder).read_text()
    assert "title &lt;one&gt;" in page and "a &amp; b" in page and "title &lt;two&gt;" in page
    assert page.count("python -m zoo visualize --layers &#39;a b&#39;") == 2


def test_later_commands_keep_earlier_sheets_that_are_still_there(tmp_path):
    for name, command in {"one": "first", "two": "first", "three": "second"}.items():
        add_sheet(tmp_path, a_sheet(name), command)
    add_sheet(tmp_path, a_sheet("one", "drawn again"), "third")
    assert listed(tmp_path) == ["one.png", "two.png", "three.png"]
    assert [entry.command for entry in read_index(tmp_path)] == ["third", "first", "second"]
    assert index_path(tmp_path).read_text().count("drawn again") == 2
    (tmp_path / "two.png").unlink()
    add_sheet(tmp_path, a_sheet("four"), "fourth")
    assert listed(tmp_path) == ["one.png", "three.png", "four.png"]


def stored(**fields):
    return json.dumps([{"name": "one", "title": "t", "caption": "c", "command": "x"} | fields])


DAMAGED = {
    "cut": stored()[:-5],
    "no list": "3",
    "nothing": "null",
    "another thing": '["one"]',
    "a number": stored(title=3),
    "one more": stored(script="alert"),
    "another folder": stored(name="../one"),
    "html": stored(name='"><script>alert(1)</script>'),
    "deep": "[" * 100_000,
    "twice the same": json.dumps(json.loads(stored()) * 2),
    "no text": b"\xff\xfe[",
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_list_that_was_not_written_here_is_one_clear_line(tmp_path, kind):
    content = DAMAGED[kind]
    (tmp_path / "index.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ZooError, match=r"index\.json.*; .*remove this list of sheets, or choose another folder"):
        read_index(tmp_path)


def test_a_list_that_somebody_wrote_brings_no_html_in(tmp_path):
    add_sheet(tmp_path, a_sheet("one"), "first")
    evil = "</code><script>alert(1)</script>{title}\ud800"
    (tmp_path / "index.json").write_text(stored(title=evil, caption=evil, command=evil))
    add_sheet(tmp_path, a_sheet("two"), "second")
    page = index_path(tmp_path).read_text()
    assert "<script" not in page and page.count("&lt;script&gt;") == 4
    assert listed(tmp_path) == ["one.png", "two.png"]


def test_a_folder_that_cannot_be_made_or_read_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ZooError, match=r"cannot make the folder .*file/pictures: Not a directory"):
        add_sheet(tmp_path / "file" / "pictures", Sheet("a", "t", "c", Figure()), "x")
    (tmp_path / "index.json").mkdir()
    with pytest.raises(ZooError, match=r"cannot read .*index\.json: (it is a folder|Is a directory)"):
        read_index(tmp_path)


def test_a_layers_name_makes_a_file_name():
    assert sheet_name("guided", "inception_3a/3x3") == "guided-inception_3a-3x3"
    assert sheet_name("saliency") == "saliency"


def test_without_matplotlib_one_clear_line(monkeypatch):
    monkeypatch.setattr(figures, "find_spec", lambda name: None)
    with pytest.raises(ZooError, match="matplotlib: pip install matplotlib"):
        figures.check_matplotlib()
