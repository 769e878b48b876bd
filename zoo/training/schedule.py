"""How many steps a run has, and what is due after each: logging, an evaluation, a checkpoint, the end."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from zoo.errors import ZooError
from zoo.training.config.recipe import Recipe
from zoo.training.config.run_options import RunOptions, parse_interval
from zoo.training.distributed import Agreement, global_max, is_first
from zoo.training.learning_rate import count_updates, learning_rate_schedule
from zoo.training.logging.rows import MAX_ROWS
from zoo.training.stop_signals import StopRequest


class TrainingPlan:
    """The steps of a run, counted from 1, and the epoch and learning rate of each."""

    def __init__(self, recipe: Recipe, images: int) -> None:
        self._recipe, self.steps_per_epoch = recipe, images // recipe.batch_size
        self.steps = recipe.epochs * self.steps_per_epoch
        self._learning_rate = learning_rate_schedule(recipe, self.steps_per_epoch)

    def ends_epoch(self, step: int) -> bool:
        """Whether this step is the last of its epoch."""
        return step % self.steps_per_epoch == 0

    def at(self, step: int, rate_scale: float = 1.0) -> dict[str, float]:
        """{"step", "epoch", "learning_rate"}; the epoch is a whole number at its end, and a fraction before.

        The learning rate is that of the schedule, multiplied by `rate_scale`.
        """
        epochs = step // self.steps_per_epoch if self.ends_epoch(step) else step / self.steps_per_epoch
        return {"step": step, "epoch": epochs, "learning_rate": self.rate(step) * rate_scale}

    def rate(self, step: int) -> float:
        """The learning rate of this step, counted from 1."""
        return float(self._learning_rate(count_updates(self._recipe, step - 1)))


@dataclass(frozen=True)
class Due:
    """What is due after a step; `stop` is the number of the signal that asked for a stop, or 0."""

    log: bool = False
    evaluate: bool = False
    save: bool = False
    stop: int = 0

    def __bool__(self) -> bool:
        return self.log or self.evaluate or self.save


class SaveTimer:
    """Whether so many seconds have passed since the last save; 0 seconds: never."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock, self._last = seconds, clock, clock()

    def expired(self) -> bool:
        """True once per interval, which then starts again."""
        if not self._seconds or self._clock() - self._last < self._seconds:
            return False
        self.restart()
        return True

    def restart(self) -> None:
        """Start the interval now, after a save."""
        self._last = self._clock()


class Schedule:
    """Decides what is due after each step; all processes get the same answer."""

    def __init__(self, plan: TrainingPlan, options: RunOptions, stop: StopRequest, agreement: Agreement) -> None:
        self._plan, self._stop, self._agreement = plan, stop, agreement
        self._log_every, self._eval_every = options.log_every, options.eval_every
        interval = parse_interval(options.save_every)
        self._save_every, self._timer = interval.steps, SaveTimer(interval.seconds)

    def due(self, step: int) -> Due:
        """What is due after this step. A stop saves, and so does an evaluation: the best checkpoint is kept."""
        stop, timed_save = self._agreement.maximum(self._stop.number, is_first() and self._timer.expired())
        evaluate = self._plan.ends_epoch(step) or _is_multiple(step, self._eval_every)
        save = evaluate or bool(stop) or bool(timed_save) or _is_multiple(step, self._save_every)
        if save:
            self._timer.restart()
        return Due(log=_is_multiple(step, self._log_every), evaluate=evaluate, save=save, stop=stop)

    def stop_requested(self) -> int:
        """The number of the signal that any process has received by now, or 0; all processes must call it."""
        return global_max(self._stop.number)


def check_rows(recipe: Recipe, options: RunOptions, steps_per_epoch: int) -> None:
    """Raises ZooError where a run would record more rows of metrics than are read."""
    steps = recipe.epochs * steps_per_epoch
    rows = recipe.epochs + sum(steps // every for every in (options.log_every, options.eval_every) if every)
    if rows > MAX_ROWS:
        raise ZooError(
            f"a run has at most {MAX_ROWS:,} rows of metrics, and this one would have {rows:,}: give a larger "
            "--log-every or --eval-every, or fewer --epochs"
        )


def max_checkpoints(recipe: Recipe, options: RunOptions, steps_per_epoch: int) -> int:
    """How many checkpoints of a run are on the disk at a time, at most.

    Those are the latest ones, the best, and the new one before an old one is removed; a short run saves fewer.
    """
    steps = recipe.epochs * steps_per_epoch
    interval = parse_interval(options.save_every)
    # How long a step takes is not known.
    by_time = steps if interval.seconds else 0
    by_step = sum(steps // every for every in (options.eval_every, interval.steps) if every)
    # A stop saves as well.
    return min(options.keep + 2, recipe.epochs + by_step + by_time + 1)


def _is_multiple(step: int, interval: int) -> bool:
    return interval > 0 and step % interval == 0
