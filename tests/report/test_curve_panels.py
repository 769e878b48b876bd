"""Axes and ticks of the curves."""

import math

import pytest

from zoo.report.run.curve_panels import panels

NAMES = ("epoch", "loss", "test_loss", "accuracy", "test_accuracy", "learning_rate")


def rows(*values):
    return [dict(zip(NAMES, one, strict=True)) for one in values]


RUN = rows((1, 2.0, 1.5, 0.3, 0.4, 1e-3), (2, 1.2, 1.1, 0.6, 0.62, 5e-4), (3, 0.9, 1.2, 0.7, 0.6, 0.0))


def labels(ticks):
    return [tick.label for tick in ticks]


def test_ticks_are_round_numbers():
    loss, accuracy, rate = panels(RUN)
    assert labels(loss.up) == ["0", "0.5", "1", "1.5", "2"] and not loss.log
    assert labels(accuracy.up) == ["0.3", "0.4", "0.5", "0.6", "0.7"]
    assert labels(rate.up) == ["0", "0.0002", "0.0004", "0.0006", "0.0008", "0.001"]
    assert labels(loss.across) == ["0", "1", "2", "3"]


def test_a_loss_over_decades_is_drawn_by_its_logarithm():
    loss = panels([*RUN, *rows((4, 0.02, 0.3, 1, 0.9, 0))])[0]
    assert loss.log and labels(loss.up) == ["0.02", "0.05", "0.1", "0.2", "0.5", "1", "2"]
    (one,), (two,), (half,) = ([tick.at for tick in loss.up if tick.label == label] for label in ("1", "2", "0.5"))
    assert one - two == pytest.approx(half - one, abs=0.02)  # equal ratios, equal distances


@pytest.mark.parametrize("missing", [None, math.nan, math.inf])
def test_what_is_missing_is_a_gap(missing):
    accuracy = panels([RUN[0], {**RUN[1], "test_accuracy": missing}, RUN[2]])[1]
    assert accuracy.lines[1].values == ((1, 0.4), (3, 0.6)) and len(accuracy.lines[1].segments) == 2


@pytest.mark.parametrize(
    "some", [[], RUN[:1], rows((1, math.nan, None, math.inf, None, None)), RUN * 40, rows((1, *[0.5] * 5))]
)
def test_any_run_is_drawn(some):
    for panel in panels(some):
        assert all(0 <= tick.at <= 200 for tick in panel.up) and len(panel.up) >= 2
        assert len(panel.up) <= 12 and panel.summary
