"""The figure of a confusion matrix."""

import sys

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.visualize.sheets.confusion import confusion_figure, save_confusion
from zoo.visualize.sheets.figure_file import check_figure_path

CONFUSION = np.array([[8, 2, 0], [0, 0, 0], [5, 0, 5]])
NAMES = ("cat", "$dog$ & _mouse_", "bird")


def test_a_figure_is_written_whole(tmp_path):
    save_confusion(tmp_path / "confusion.png", CONFUSION, NAMES)
    with Image.open(tmp_path / "confusion.png") as image:
        image.load()
        assert image.format == "PNG" and min(image.size) > 300
    assert [file.name for file in tmp_path.iterdir()] == ["confusion.png"]


def test_the_figure_has_fractions_counts_and_names():
    axes, bar = confusion_figure(CONFUSION, NAMES).axes
    np.testing.assert_allclose(axes.images[0].get_array(), [[0.8, 0.2, 0], [0, 0, 0], [0.5, 0, 0.5]])
    assert [text.get_text() for text in axes.texts] == ["8", "2", "5", "5"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", r"\$dog\$ & _mouse_", "bird"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    assert "fraction of the true class" in bar.get_ylabel()


@pytest.mark.parametrize("count", [21, 1000])
def test_many_classes(tmp_path, count):
    names = tuple(f"class {index}" for index in range(count))
    save_confusion(tmp_path / "confusion.png", np.eye(count, dtype=int), names)
    with Image.open(tmp_path / "confusion.png") as image:
        assert max(image.size) < 4000


def test_paths_where_no_figure_can_be_written(tmp_path):
    with pytest.raises(zoo.ZooError, match=r"picture\.txt .*\.png"):
        check_figure_path(tmp_path / "picture.txt")
    with pytest.raises(zoo.ZooError, match=r"no folder .*missing"):
        check_figure_path(tmp_path / "missing" / "picture.png")


def test_without_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(zoo.ZooError, match="pip install matplotlib"):
        save_confusion(tmp_path / "confusion.png", CONFUSION, NAMES)
    assert not list(tmp_path.iterdir())
