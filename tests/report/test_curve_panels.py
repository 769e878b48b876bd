"""Axes and ticks of the curves."""

import math

import pytest

from zoo.report.run.curve_panels import curve_panels

NAMES = ("epoch", "loss", "test_loss", "accuracy", "test_accuracy", "learning_rate")


def rows(*values):
    return [dict(zip(NAMES, one, strict=True)) for one in values]


RUN = rows((1, 2.0, 1.5, 0.3, 0.4, 1e-3), (2, 1.2, 1.1, 0.6, 0.62, 5e-4), (3, 0.9, 1.2, 0.7, 0.6, 0.0))


def labels(ticks):
    return [tick.label for tick in ticks]


def test_ticks_are_round_numbers():
    loss, accuracy, rate = curve_panels(RUN)
    assert labels(loss.y_ticks) == ["0", "0.5", "1", "1.5", "2"] and not loss.log
    assert labels(accuracy.y_ticks) == ["0.3", "0.4", "0.5", "0.6", "0.7"]
    assert labels(rate.y_ticks) == ["0", "0.0002", "0.0004", "0.0006", "0.0008", "0.001"]
    assert labels(loss.x_ticks) == ["0", "1", "2", "3"]


def test_a_loss_over_decades_is_drawn_by_its_logarithm():
    loss = curve_panels([*RUN, *rows((4, 0.02, 0.3, 1, 0.9, 0))])[0]
    assert loss.log and labels(loss.y_ticks) == ["0.02", "0.05", "0.1", "0.2", "0.5", "1", "2"]
    (one,), (two,), (half,) = (
        [tick.position for tick in loss.y_ticks if tick.label == label] for label in ("1", "2", "0.5")
    )
    assert one - two == pytest.approx(half - one, abs=0.02)  # equal ratios, equal distances


@pytest.mark.parametrize("missing", [None, math.nan, math.inf])
def test_what_is_missing_is_a_gap(missing):
    accuracy = curve_panels([RUN[0], {**RUN[1], "test_accuracy": missing}, RUN[2]])[1]
    assert accuracy.curves[1].values == ((1, 0.4), (3, 0.6)) and len(accuracy.curves[1].segments) == 2


@pytest.mark.parametrize(
    "some", [[], RUN[:1], rows((1, math.nan, None, math.inf, None, None)), RUN * 40, rows((1, *[0.5] * 5))]
)
def test_any_run_is_drawn(some):
    for panel in curve_panels(some):
        assert all(0 <= tick.position <= 200 for tick in panel.y_ticks) and len(panel.y_ticks) >= 2
        assert len(panel.y_ticks) <= 12 and panel.summary
