"""When a run saves between its evaluations."""

import time
from collections.abc import Callable

from zoo.training.config.run_options import every


class SaveTimes:
    """Every so many steps, or minutes since the last save."""

    def __init__(self, text: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._steps, self._seconds = every(text)
        self._clock, self._last = clock, clock()

    def by_step(self, step: int) -> bool:
        """Whether to save after this step, by its number."""
        return bool(self._steps) and step % self._steps == 0

    def by_clock(self) -> bool:
        """Whether the time since the last save is over; said once."""
        if not self._seconds or self._clock() - self._last < self._seconds:
            return False
        self._last = self._clock()
        return True

    def saved(self) -> None:
        """The run was saved now."""
        self._last = self._clock()
