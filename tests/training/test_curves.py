"""The picture of a run."""

import errno
import math

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.training.logging.curves import curves_figure, draw_curves

NAMES = ("epoch", "loss", "test_loss", "accuracy", "test_accuracy", "learning_rate")


def rows(*values):
    return [dict(zip(NAMES, one, strict=True)) for one in values]


RUN = rows((1, 2.0, 1.5, 0.3, 0.4, 1e-3), (2, 1.2, 1.1, 0.6, 0.62, 5e-4), (3, 0.9, 1.2, 0.7, 0.6, 0.0))


def lines(axes):
    return {line.get_label(): line.get_xydata().tolist() for line in axes.lines if not line.get_label().startswith("_")}


def test_lines_are_the_measurements():
    loss, accuracy, rate = curves_figure(RUN, "title").axes
    assert lines(loss) == {"train": [[1, 2.0], [2, 1.2], [3, 0.9]], "test": [[1, 1.5], [2, 1.1], [3, 1.2]]}
    assert lines(accuracy) == {"train": [[1, 0.3], [2, 0.6], [3, 0.7]], "test": [[1, 0.4], [2, 0.62], [3, 0.6]]}
    assert rate.lines[0].get_xydata().tolist() == [[1, 1e-3], [2, 5e-4], [3, 0.0]]
    assert {axes.get_xlabel() for axes in (loss, accuracy, rate)} == {"epoch"}
    assert accuracy.get_title(loc="right") == "test 0.6000, best 0.6200 (epoch 2)"


def test_logged_steps_are_no_evaluations():
    logged = [{"epoch": 0.5, "loss": 3.0, "accuracy": 0.1, "learning_rate": 1e-3}]
    loss, accuracy, _ = curves_figure([*logged, *RUN], "title").axes
    assert lines(loss)["train"] == [[1, 2.0], [2, 1.2], [3, 0.9]]
    assert loss.lines[0].get_xydata().tolist() == [[0.5, 3.0]]
    assert accuracy.get_title(loc="right") == "test 0.6000, best 0.6200 (epoch 2)"


def test_axes_begin_at_zero_and_a_log_scale_is_named():
    loss, _, rate = curves_figure(RUN, "").axes
    assert (loss.get_yscale(), loss.get_title(loc="left"), loss.get_ylim()[0]) == ("linear", "loss", 0)
    assert rate.get_ylim()[0] == 0 and loss.get_xlim()[0] == 0
    long = curves_figure([*RUN, *rows((4, 0.01, 0.3, 1, 0.9, 0))], "").axes[0]
    assert (long.get_yscale(), long.get_title(loc="left")) == ("log", "loss (log scale)")


@pytest.mark.parametrize("missing", [None, math.nan, math.inf])
def test_what_is_missing_is_a_gap(missing):
    loss, accuracy, _ = curves_figure(
        [RUN[0], {**RUN[1], "test_loss": missing, "test_accuracy": missing}, RUN[2]], ""
    ).axes
    np.testing.assert_array_equal(loss.lines[1].get_ydata(), [1.5, math.nan, 1.2])
    assert accuracy.get_title(loc="right") == "test 0.6000, best 0.6000 (epoch 3)"


# Of others' coroutines that are collected meanwhile nothing is said.
@pytest.mark.filterwarnings("error", "ignore::pytest.PytestUnraisableExceptionWarning", "ignore:coroutine")
@pytest.mark.parametrize("some", [RUN, RUN[:1], rows((1, math.nan, None, math.inf, None, None)), RUN * 40, [{}]])
def test_any_run_is_drawn(tmp_path, some):
    draw_curves(some, tmp_path / "curves.png", "$x$ & <img>")
    with Image.open(tmp_path / "curves.png") as image:
        image.load()
        assert image.format == "PNG" and image.size == (1300, 400)
    assert [path.name for path in tmp_path.iterdir()] == ["curves.png"]


def test_a_full_disk_leaves_the_earlier_picture(tmp_path, monkeypatch):
    def save(figure, path, **options):
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "curves.png").write_bytes(b"earlier")
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", save)
    with pytest.raises(zoo.ZooError, match=r"cannot write .*curves.png: No space left on device"):
        draw_curves(RUN, tmp_path / "curves.png", "")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"earlier"]
