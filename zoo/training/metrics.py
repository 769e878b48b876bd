"""The metrics of an epoch's steps, left on the devices until they are needed."""

from collections.abc import Iterator

import jax
import numpy as np

from zoo.training.step import Metrics

# Steps that may be under way before the loop waits: enough to hide the host's work, few enough to stop promptly.
STEPS_IN_FLIGHT = 2


class EpochMetrics:
    """Metrics of steps in the order that they were started in."""

    def __init__(self) -> None:
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

    def mean_and_clear(self) -> dict[str, float]:
        """Their mean over the steps whose updates were finite, and how many were not, since the last call."""
        steps = jax.device_get(self._steps)
        self._steps.clear()
        self._done = 0
        finite = [step for step in steps if step["finite"]]
        names = [name for name in steps[0] if name != "finite"]
        means = {name: float(np.mean([step[name] for step in finite])) if finite else None for name in names}
        return {**means, "skipped": len(steps) - len(finite)}
