"""The learning rate of each update of a run: a linear warmup, then the recipe's schedule."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import optax

from zoo.training.config.decays import NO_EPOCHS, parse_epochs
from zoo.training.config.recipe import Recipe

Count = TypeVar("Count", int, jax.Array)

# The largest share of a run's updates that is warmup, so that a run of one epoch has a schedule too.
WARMUP_SHARE = 1 / 3


def peak_learning_rate(recipe: Recipe) -> float:
    """The recipe's learning rate for its images per update, if it is given for another number of them (`rate_batch`).

    It is in proportion to them for SGD (Goyal et al. 2017, arXiv:1706.02677) and RMSProp (EfficientNet's program), and
    to their square root for Adam, LAMB (You et al. 2019, arXiv:1904.00962) and Muon, as in timm's train.py.
    """
    if not recipe.rate_batch:
        return recipe.learning_rate
    ratio = recipe.update_size / recipe.rate_batch
    return recipe.learning_rate * (ratio if scales_linearly(recipe) else math.sqrt(ratio))


def scales_linearly(recipe: Recipe) -> bool:
    """Whether the learning rate of the recipe's optimizer is in proportion to the images per update."""
    return recipe.optimizer in ("sgd", "rmsprop")


def describe_rate(recipe: Recipe) -> list[str]:
    """A line that says what the learning rate is and how it was scaled; none where it is as it is given."""
    if not recipe.rate_batch:
        return []
    rule = "in proportion" if scales_linearly(recipe) else "by the square root"
    rate, given = f"{peak_learning_rate(recipe):.4g}", f"{recipe.learning_rate:.4g} for {recipe.rate_batch}"
    return [f"learning rate {rate} for {recipe.update_size} images per update, from {given} ({rule})"]


def count_updates(recipe: Recipe, steps: Count) -> Count:
    """How many updates so many steps make; gradients that are left over at the end of a run are not used.

    This is the clock of a run: schedule, logged learning rate and EMA read it. An update that was left out, since it
    was not finite, counts as one, so that the schedule ends with the run.
    """
    return steps // recipe.accumulate


def count_warmup_updates(recipe: Recipe, steps_per_epoch: int) -> int:
    """How many updates are warmup: those of the recipe's `warmup_epochs`, at most WARMUP_SHARE of all.

    The one-cycle schedule has a rise of its own, and no warmup.
    """
    if recipe.schedule == "one_cycle":
        return 0
    updates = count_updates(recipe, recipe.epochs * steps_per_epoch)
    return min(round(recipe.warmup_epochs * steps_per_epoch / recipe.accumulate), int(updates * WARMUP_SHARE))


def learning_rate_schedule(recipe: Recipe, steps_per_epoch: int) -> optax.Schedule:
    """The learning rate of each update, counted from 0: a linear warmup from `warmup_start`, then the schedule.

    The peak is `peak_learning_rate`. The warmup is at most WARMUP_SHARE of the updates. The cosine, linear and
    polynomial schedules begin after it, and would reach zero at the update after the last one: that still has a small
    rate. The epochs of the staircase and exponential schedules count from the start of the run, warmup included.
    Without accumulation each step is an update.
    """
    span = _span(recipe, steps_per_epoch)
    after = _SCHEDULES[recipe.schedule](recipe, span)
    warming = optax.linear_schedule(recipe.warmup_start * span.peak, span.peak, span.warmup)
    return optax.join_schedules([warming, after], [span.warmup]) if span.warmup else after


def decay_updates(recipe: Recipe, steps_per_epoch: int) -> list[int]:
    """The updates, counted from 0, at which a staircase multiplies the learning rate."""
    return _decays(recipe, _span(recipe, steps_per_epoch))


def depends_on_epochs(recipe: Recipe) -> bool:
    """Whether the schedule is that of the whole run, so that a run of more epochs has other rates on the way."""
    match recipe.schedule:
        case "constant" | "plateau":
            return False
        case "exponential":
            return not recipe.decay_epochs
        case "staircase":
            return not recipe.decay_epochs and recipe.decay_at == NO_EPOCHS
    return True


@dataclass(frozen=True)
class _Span:
    """The updates of a run, how many of them are warmup, how many are in an epoch, and their largest learning rate."""

    updates: int
    warmup: int
    per_epoch: Fraction
    peak: float

    @property
    def remaining(self) -> int:
        """How many updates follow the warmup."""
        return self.updates - self.warmup

    def interval(self, recipe: Recipe) -> Fraction:
        """How many updates are between two decays of the staircase and exponential schedules."""
        if not recipe.decay_epochs:
            return Fraction(self.updates, 3)
        return Fraction(str(recipe.decay_epochs)) * self.per_epoch


def _span(recipe: Recipe, steps_per_epoch: int) -> _Span:
    return _Span(
        updates=max(1, count_updates(recipe, recipe.epochs * steps_per_epoch)),
        warmup=count_warmup_updates(recipe, steps_per_epoch),
        per_epoch=Fraction(steps_per_epoch, recipe.accumulate),
        peak=peak_learning_rate(recipe),
    )


# A schedule of the updates after the warmup, counted from its end.


def _cosine(recipe: Recipe, span: _Span) -> optax.Schedule:
    return optax.cosine_decay_schedule(span.peak, span.remaining)


def _linear(recipe: Recipe, span: _Span) -> optax.Schedule:
    return optax.linear_schedule(span.peak, 0.0, span.remaining)


def _constant(recipe: Recipe, span: _Span) -> optax.Schedule:
    """Also that of "plateau": what evaluations make of it is in the run's state."""
    return optax.constant_schedule(span.peak)


def _polynomial(recipe: Recipe, span: _Span) -> optax.Schedule:
    """Caffe's "poly": what is left of the updates, as a share, to a power."""
    return optax.polynomial_schedule(span.peak, 0.0, recipe.decay_power, span.remaining)


def _one_cycle(recipe: Recipe, span: _Span) -> optax.Schedule:
    """Smith and Topin 2017 (arXiv:1708.07120), with the cosines and the constants of torch's OneCycleLR.

    It rises from 1/25 of the peak over 30 % of the run, and falls to 1/250,000 of it.
    """
    return optax.cosine_onecycle_schedule(span.updates, span.peak)


def _exponential(recipe: Recipe, span: _Span) -> optax.Schedule:
    interval = float(span.interval(recipe))
    return lambda count: span.peak * jnp.power(recipe.decay_rate, (count + span.warmup) / interval)


def _staircase(recipe: Recipe, span: _Span) -> optax.Schedule:
    """The rate is multiplied at whole updates: the first one at which so many epochs are done."""
    boundaries = np.array(_decays(recipe, span), np.int64) - span.warmup
    rates = np.float32(span.peak * recipe.decay_rate ** np.arange(len(boundaries) + 1.0))
    return lambda count: jnp.asarray(rates)[(jnp.asarray(boundaries, jnp.int32) <= count).sum()]


def _decays(recipe: Recipe, span: _Span) -> list[int]:
    """The updates, counted from 0, at which the staircase multiplies the rate."""
    given, interval = parse_epochs(recipe.decay_at, "decay_at"), span.interval(recipe)
    points = [epoch * span.per_epoch for epoch in given] or [
        interval * number for number in range(1, math.ceil(span.updates / interval))
    ]
    return [math.ceil(point) for point in points if point < span.updates]


_SCHEDULES: MappingProxyType[str, Callable[[Recipe, _Span], optax.Schedule]] = MappingProxyType(
    {
        "cosine": _cosine,
        "linear": _linear,
        "constant": _constant,
        "plateau": _constant,
        "staircase": _staircase,
        "exponential": _exponential,
        "polynomial": _polynomial,
        "one_cycle": _one_cycle,
    }
)
