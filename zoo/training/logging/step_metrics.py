"""The metrics of training steps: left on the devices until they are needed, then averaged."""

import copy
import dataclasses
from collections.abc import Iterator
from typing import Any

import jax

from zoo.runtime.record_types import Count
from zoo.training.step import Metrics

# Steps that may be in flight before the loop waits: enough to hide the host's work, few enough to stop promptly.
MAX_STEPS_IN_FLIGHT = 2


@dataclasses.dataclass
class Totals:
    """Sums over the steps whose update was finite, how many those were, and how many were skipped."""

    finite: Count = 0
    skipped: Count = 0
    sums: dict[str, float] = dataclasses.field(default_factory=dict)

    def add(self, metrics: dict[str, Any]) -> None:
        """Add the metrics of one step. One at a time, so that a resumed run rounds as one that never stopped."""
        finite = bool(metrics["finite"])
        self.finite += finite
        self.skipped += not finite
        for name in metrics.keys() - {"finite"}:
            self.sums[name] = self.sums.get(name, 0.0) + (float(metrics[name]) if finite else 0.0)

    def means(self) -> dict[str, float | None]:
        """The mean of each metric, None where no update was finite, and "skipped"."""
        means = {name: total / self.finite if self.finite else None for name, total in self.sums.items()}
        return {**means, "skipped": self.skipped}


class StepMetrics:
    """The metrics of steps in the order in which they were started, over the epoch and since the last logged step.

    `epoch` and `window` are the totals of earlier steps, as `totals` gave them to a checkpoint. With `logging` false
    there is no window.
    """

    def __init__(self, epoch: Totals | None = None, window: Totals | None = None, *, logging: bool = False) -> None:
        self._logging = logging
        self._epoch = copy.deepcopy(epoch) or Totals()
        self._window = (copy.deepcopy(window) if logging else None) or Totals()
        self._steps: list[Metrics] = []
        self._finished = 0

    def add(self, metrics: Metrics) -> Metrics | None:
        """Add those of a step that was started; wait for the step MAX_STEPS_IN_FLIGHT before it, and return its."""
        self._steps.append(metrics)
        if len(self._steps) - self._finished <= MAX_STEPS_IN_FLIGHT:
            return None
        self._finished += 1
        return jax.block_until_ready(self._steps[self._finished - 1])

    def remaining(self) -> Iterator[Metrics]:
        """Those that `add` has not returned yet."""
        while self._finished < len(self._steps):
            self._finished += 1
            yield self._steps[self._finished - 1]

    def idle(self) -> bool:
        """Whether the devices have finished all steps that were started."""
        return not self._steps or self._steps[-1]["finite"].is_ready()  # type: ignore[attr-defined]

    @property
    def pending(self) -> bool:
        """Whether the epoch has steps that `end_epoch` has not cleared."""
        return bool(self._steps or self._epoch.finite or self._epoch.skipped)

    def totals(self) -> tuple[Totals, Totals]:
        """Those over the epoch, and since the last logged step: what a checkpoint stores. Call it after `remaining`."""
        self._sum_up()
        return copy.deepcopy(self._epoch), copy.deepcopy(self._window)

    def epoch_means(self) -> dict[str, float | None]:
        """The means over the epoch so far. Call it after `remaining`."""
        self._sum_up()
        return self._epoch.means()

    def end_epoch(self) -> None:
        """Start a new epoch."""
        self._epoch = Totals()

    def end_window(self) -> dict[str, float | None]:
        """The means over the steps since the last call. Call it after `remaining`."""
        self._sum_up()
        window, self._window = self._window, Totals()
        return window.means()

    def _sum_up(self) -> None:
        for step in jax.device_get(self._steps):
            self._epoch.add(step)
            if self._logging:
                self._window.add(step)
        self._steps.clear()
        self._finished = 0
