"""The curves of a training run in panels that a template draws: loss, accuracy, learning rate."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from zoo.training.logging.curves import MAX_LINEAR_RATIO
from zoo.training.logging.rows import MetricsRow

Point = tuple[float, float]
# Where the y axis starts: at zero; at zero or, for a large range, logarithmic; or close to the smallest value.
Scale = Literal["zero", "zero or log", "close"]

# The size of a drawing, in its own units.
WIDTH, HEIGHT = 320, 200
MAX_STEPS = 5
# A logarithmic axis with a larger range has ticks at powers of ten only.
MAX_FINE_LOG_RANGE = 1000
# A curve of fewer points has marks, so that a single point is visible too.
MIN_UNMARKED_POINTS = 25


@dataclass(frozen=True)
class Tick:
    """A value of an axis as text, and its position in the drawing."""

    label: str
    position: float


@dataclass(frozen=True)
class Curve:
    """A curve: `values` are (epoch, value), and `segments` their positions, with a gap where a value is missing.

    `best` is the position of the largest value, of equals the last, for the curve whose best value is marked.
    """

    label: str
    values: tuple[Point, ...]
    segments: tuple[tuple[Point, ...], ...]
    marked: bool
    best: Point | None = None


@dataclass(frozen=True)
class Panel:
    """Curves over the epochs; positions are x from 0 to WIDTH, and y from 0 (top) to HEIGHT (bottom)."""

    title: str
    log: bool
    curves: tuple[Curve, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    summary: str


@dataclass(frozen=True)
class Axis:
    """Maps values from `low` to `high` to positions from `start` to `end`; with `log` by their logarithms."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def position(self, value: float) -> float:
        """The position of a value."""
        low, high, value = map(math.log, (self.low, self.high, value)) if self.log else (self.low, self.high, value)
        return round(self.start + (value - low) / (high - low) * (self.end - self.start), 2)


def curve_panels(rows: Sequence[MetricsRow]) -> tuple[Panel, ...]:
    """Panels of loss, accuracy and learning rate; each row is an evaluation, with its epoch."""
    return (
        _panel("loss", rows, {"train": "loss", "test": "test_loss"}, "zero or log"),
        _panel("accuracy", rows, {"train": "accuracy", "test": "test_accuracy"}, "close", best="test"),
        _panel("learning rate", rows, {"": "learning_rate"}, "zero"),
    )


def _panel(
    title: str, rows: Sequence[MetricsRow], columns: Mapping[str, str], kind: Scale, best: str | None = None
) -> Panel:
    series = {label: list(_points(rows, name)) for label, name in columns.items()}
    epochs_of_rows = [epoch for points in series.values() for epoch, _ in points]
    x_axis = Axis(0, max(epochs_of_rows, default=1), 0, WIDTH)
    y_axis = _y_axis([value for points in series.values() for _, value in points if value is not None], kind)
    curves = tuple(_curve(label, points, x_axis, y_axis, mark_best=label == best) for label, points in series.items())
    epochs = _ticks(0, x_axis.high, max(1.0, _step(x_axis.high)))
    values = _log_ticks(y_axis) if y_axis.log else _ticks(y_axis.low, y_axis.high, _step(y_axis.high - y_axis.low))
    return Panel(
        title=title,
        log=y_axis.log,
        curves=curves,
        x_ticks=tuple(Tick(f"{epoch:g}", x_axis.position(epoch)) for epoch in epochs),
        y_ticks=tuple(Tick(f"{value:.6g}", y_axis.position(value)) for value in values),
        summary=_summary(title, curves),
    )


def _points(rows: Sequence[MetricsRow], name: str) -> Iterator[tuple[float, float | None]]:
    """(epoch, value); the value is None if it is missing or not finite."""
    for row in rows:
        value, epoch = row.get(name), row["epoch"]
        if epoch is not None:
            yield epoch, value if value is not None and math.isfinite(value) else None


def _y_axis(values: Sequence[float], kind: Scale) -> Axis:
    """An axis between round numbers below and above all values, or from zero; logarithmic for a large range."""
    if not values:
        return Axis(0.0, 1.0, HEIGHT, 0)
    low, high = min(values), max(values)
    if kind == "zero or log" and low > 0 and high > MAX_LINEAR_RATIO * low:
        return Axis(low / 1.1, high * 1.1, HEIGHT, 0, log=True)
    low = low if kind == "close" else min(low, 0.0)
    step = _step(high - low)
    # A rounding error does not add a step.
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return Axis(first * step, max(first + 1, last) * step, HEIGHT, 0)


def _step(extent: float) -> float:
    """The smallest of 1, 2 and 5 times powers of ten of which at most five make the extent."""
    if not extent > 0:
        return 0.1
    power = 10.0 ** math.floor(math.log10(extent / MAX_STEPS))
    return next(power * factor for factor in (1, 2, 5, 10) if extent / (power * factor) <= MAX_STEPS)


def _ticks(low: float, high: float, step: float) -> list[float]:
    return [low + index * step for index in range(int((high - low) / step + 1e-9) + 1)]


def _log_ticks(axis: Axis) -> list[float]:
    """1, 2 and 5 times the powers of ten within the axis."""
    powers = range(math.floor(math.log10(axis.low)), math.ceil(math.log10(axis.high)) + 1)
    factors = (1, 2, 5) if axis.high <= MAX_FINE_LOG_RANGE * axis.low else (1,)
    return [n * 10.0**power for power in powers for n in factors if axis.low <= n * 10.0**power <= axis.high]


def _curve(
    label: str, points: Sequence[tuple[float, float | None]], x_axis: Axis, y_axis: Axis, *, mark_best: bool
) -> Curve:
    segments: list[list[Point]] = [[]]
    for epoch, value in points:
        if value is None:
            segments.append([])
        else:
            segments[-1].append((x_axis.position(epoch), y_axis.position(value)))
    values = tuple((epoch, value) for epoch, value in points if value is not None)
    best = max(reversed(values), key=lambda point: point[1], default=None) if mark_best else None
    return Curve(
        label=label,
        values=values,
        segments=tuple(tuple(segment) for segment in segments if segment),
        marked=len(points) < MIN_UNMARKED_POINTS,
        best=best and (x_axis.position(best[0]), y_axis.position(best[1])),
    )


def _summary(title: str, curves: Sequence[Curve]) -> str:
    """The first and last values in words, for readers who do not see the drawing."""
    parts = []
    for curve in curves:
        if curve.values:
            (first_epoch, first), (last_epoch, last) = curve.values[0], curve.values[-1]
            name = curve.label or title
            parts.append(f"{name} {first:.4g} after epoch {first_epoch:g}, {last:.4g} after epoch {last_epoch:g}")
    return "; ".join(parts) or "no values"
