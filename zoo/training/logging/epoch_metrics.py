"""The metrics of an epoch's steps, left on the devices until they are needed."""

from collections.abc import Iterator
from typing import Any

import jax

from zoo.training.step import Metrics

# Steps that may be under way before the loop waits: enough to hide the host's work, few enough to stop promptly.
STEPS_IN_FLIGHT = 2


class EpochMetrics:
    """Metrics of steps in the order that they were started in.

    `so_far` are the totals of an epoch's earlier steps, where a run goes on within one.
    """

    def __init__(self, so_far: dict[str, Any] | None = None) -> None:
        self._totals = so_far or _nothing()
        self._steps: list[Metrics] = []
        self._done = 0

    def add(self, metrics: Metrics) -> Metrics | None:
        """Add a step's, and wait for those of the step STEPS_IN_FLIGHT before it, which are returned."""
        self._steps.append(metrics)
        if len(self._steps) - self._done <= STEPS_IN_FLIGHT:
            return None
        self._done += 1
        return jax.block_until_ready(self._steps[self._done - 1])

    def rest(self) -> Iterator[Metrics]:
        """Those that `add` has not returned yet."""
        while self._done < len(self._steps):
            self._done += 1
            yield self._steps[self._done - 1]

    def idle(self) -> bool:
        """Whether the devices have done all the steps that were started."""
        return not self._steps or self._steps[-1]["finite"].is_ready()

    @property
    def pending(self) -> bool:
        """Whether there are steps of which no mean was taken."""
        return bool(self._steps or self._totals["finite"] or self._totals["skipped"])

    def totals(self) -> dict[str, Any]:
        """The epoch's, as JSON holds them: sums over the steps whose updates were finite, and how many were not.

        Call it when `rest` has ended: the steps' own metrics are given up.
        """
        for step in jax.device_get(self._steps):
            finite = bool(step.pop("finite"))
            self._totals["finite" if finite else "skipped"] += 1
            for name, value in step.items():
                # One after the other, so that a run that was stopped between two sums to the same bits.
                self._totals["sums"][name] = self._totals["sums"].get(name, 0.0) + (float(value) if finite else 0.0)
        self._steps.clear()
        self._done = 0
        return self._totals

    def mean_and_clear(self) -> dict[str, float | None]:
        """Their mean over the epoch's steps whose updates were finite, and how many were not; then an epoch begins."""
        totals, self._totals = self.totals(), _nothing()
        means = {name: total / totals["finite"] if totals["finite"] else None for name, total in totals["sums"].items()}
        return {**means, "skipped": totals["skipped"]}


def _nothing() -> dict[str, Any]:
    return {"finite": 0, "skipped": 0, "sums": {}}
