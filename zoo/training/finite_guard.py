"""What stops a run before it goes wrong: numbers that are not finite."""

from collections.abc import Callable

from zoo.errors import ZooError
from zoo.training.step import Metrics


class FiniteGuard:
    """Counts the updates in a row that were left out because something in them was not finite.

    `first` is the step before the first that is checked; `whereabouts` says what a run can go on from.
    """

    def __init__(self, allowed: int, first: int, whereabouts: Callable[[], str]) -> None:
        self._allowed, self._step, self._whereabouts = allowed, first, whereabouts
        self._in_a_row = 0

    def check(self, metrics: Metrics | None) -> None:
        """Take the metrics of the next step. Raises ZooError where more in a row are not finite than are allowed."""
        if metrics is None:
            return
        self._step += 1
        self._in_a_row = 0 if bool(metrics["finite"]) else self._in_a_row + 1
        if self._in_a_row > self._allowed:
            times = f", the {self._in_a_row} last updates were left out" if self._allowed else ""
            raise ZooError(
                f"the loss, its gradient or the update was not finite at step {self._step}{times}: "
                f"{self._whereabouts()}, with --skip-nonfinite {2 * self._allowed + 5} or more; or start anew with a "
                "smaller --learning-rate or --clip-norm 1"
            )
