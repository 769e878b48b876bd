"""The curves of a training run as lines in a panel, for a template to draw: loss, accuracy, learning rate."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from zoo.training.logging.curves import LINEAR_SPAN

Metrics = Mapping[str, float | None]
Point = tuple[float, float]
# Where an axis begins: at zero; there, or by logarithms; or close below the values.
Scale = Literal["zero", "zero or log", "close"]

# Of the drawing, in its own units.
WIDTH, HEIGHT = 320, 200
TICKS = 5
# A larger factor, and a logarithmic axis has ticks at powers of ten alone.
DECADES = 1000
# Fewer points than this are marked, so that a single one is seen too.
MARKED = 25


@dataclass(frozen=True)
class Tick:
    """A value of an axis, as it is written, and where it lies in the drawing."""

    label: str
    at: float


@dataclass(frozen=True)
class Line:
    """One curve: `values` are (epoch, value), and `segments` the same in the drawing, broken where a value is missing.

    `best` is the highest value, of equals the first, in the drawing, where that is asked for.
    """

    label: str
    values: tuple[Point, ...]
    segments: tuple[tuple[Point, ...], ...]
    marked: bool
    best: Point | None = None


@dataclass(frozen=True)
class Panel:
    """Some curves over the epochs; y grows downward, from 0 to HEIGHT, and x from 0 to WIDTH."""

    title: str
    log: bool
    lines: tuple[Line, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    summary: str


@dataclass(frozen=True)
class Axis:
    """Values from `low` to `high` onto `start` to `end`; `log` by their logarithms."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """Where a value lies."""
        low, high, value = map(math.log, (self.low, self.high, value)) if self.log else (self.low, self.high, value)
        return round(self.start + (value - low) / (high - low) * (self.end - self.start), 2)


def panels(rows: Sequence[Metrics]) -> tuple[Panel, ...]:
    """Loss and accuracy, of training and of test, and learning rate over the epochs of `rows`, an evaluation each."""
    return (
        _panel("loss", rows, {"train": "loss", "test": "test_loss"}, "zero or log"),
        _panel("accuracy", rows, {"train": "accuracy", "test": "test_accuracy"}, "close", best="test"),
        _panel("learning rate", rows, {"": "learning_rate"}, "zero"),
    )


def _panel(
    title: str, rows: Sequence[Metrics], columns: Mapping[str, str], kind: Scale, best: str | None = None
) -> Panel:
    series = {label: list(_points(rows, name)) for label, name in columns.items()}
    across = Axis(0, max([row["epoch"] for row in rows], default=1), 0, WIDTH)
    up = _vertical([value for points in series.values() for _, value in points if value is not None], kind)
    lines = tuple(_line(label, points, across, up, label == best) for label, points in series.items())
    values = _log_ticks(up) if up.log else _ticks(up.low, up.high, _step(up.high - up.low))
    return Panel(
        title,
        up.log,
        lines,
        tuple(Tick(f"{epoch:g}", across.at(epoch)) for epoch in _ticks(0, across.high, max(1.0, _step(across.high)))),
        tuple(Tick(f"{value:.6g}", up.at(value)) for value in values),
        _summary(title, lines),
    )


def _points(rows: Sequence[Metrics], name: str) -> Iterator[tuple[float, float | None]]:
    """(epoch, value), None where it is missing or not finite."""
    for row in rows:
        value = row.get(name)
        yield row["epoch"], value if value is not None and math.isfinite(value) else None


def _vertical(values: Sequence[float], kind: Scale) -> Axis:
    """From zero, or a round number below all, to one above all; by logarithms where the values span too much."""
    if not values:
        return Axis(0.0, 1.0, HEIGHT, 0)
    low, high = min(values), max(values)
    if kind == "zero or log" and low > 0 and high > LINEAR_SPAN * low:
        return Axis(low / 1.1, high * 1.1, HEIGHT, 0, log=True)
    low = low if kind == "close" else min(low, 0.0)
    step = _step(high - low)
    # Not a step further for what is a rounding error beyond it.
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return Axis(first * step, max(first + 1, last) * step, HEIGHT, 0)


def _step(extent: float) -> float:
    """1, 2 or 5 times a power of ten, of which few make the extent."""
    if not extent > 0:
        return 0.1
    power = 10.0 ** math.floor(math.log10(extent / TICKS))
    return next(power * factor for factor in (1, 2, 5, 10) if extent / (power * factor) <= TICKS)


def _ticks(low: float, high: float, step: float) -> list[float]:
    return [low + index * step for index in range(int((high - low) / step + 1e-9) + 1)]


def _log_ticks(axis: Axis) -> list[float]:
    """1, 2 and 5 times the powers of ten that lie within."""
    powers = range(math.floor(math.log10(axis.low)), math.ceil(math.log10(axis.high)) + 1)
    factors = (1, 2, 5) if axis.high <= DECADES * axis.low else (1,)
    return [n * 10.0**power for power in powers for n in factors if axis.low <= n * 10.0**power <= axis.high]


def _line(label: str, points: Sequence[tuple[float, float | None]], across: Axis, up: Axis, with_best: bool) -> Line:
    segments: list[list[Point]] = [[]]
    for epoch, value in points:
        if value is None:
            segments.append([])
        else:
            segments[-1].append((across.at(epoch), up.at(value)))
    values = tuple((epoch, value) for epoch, value in points if value is not None)
    best = max(values, key=lambda point: point[1], default=None) if with_best else None
    return Line(
        label,
        values,
        tuple(tuple(segment) for segment in segments if segment),
        len(points) < MARKED,
        best and (across.at(best[0]), up.at(best[1])),
    )


def _summary(title: str, lines: Sequence[Line]) -> str:
    """For those who do not see the drawing."""
    said = []
    for line in lines:
        if line.values:
            (first, begun), (last, ended) = line.values[0], line.values[-1]
            said.append(f"{line.label or title} {begun:.4g} after epoch {first:g}, {ended:.4g} after epoch {last:g}")
    return "; ".join(said) or "no values"
