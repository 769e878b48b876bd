"""Stops a run whose numbers are no longer finite."""

from collections.abc import Callable

from zoo.errors import ZooError
from zoo.training.step import Metrics


class FiniteGuard:
    """Counts the updates in a row that were skipped because something in them was not finite.

    `allowed` is how many may be; `first` is the step before the first that is checked, and `resume_hint` says from
    where the run can be resumed.
    """

    def __init__(self, allowed: int, first: int, resume_hint: Callable[[], str]) -> None:
        self._allowed, self._step, self._resume_hint = allowed, first, resume_hint
        self._in_a_row = 0

    def check(self, metrics: Metrics) -> None:
        """Check the next step. Raises ZooError if more updates in a row are not finite than allowed."""
        self._step += 1
        self._in_a_row = 0 if bool(metrics["finite"]) else self._in_a_row + 1
        if self._in_a_row > self._allowed:
            skipped = f", and the last {self._in_a_row} updates were skipped" if self._allowed else ""
            raise ZooError(
                f"the loss, its gradient or the update was not finite at step {self._step}{skipped}: "
                f"{self._resume_hint()}, with --skip-nonfinite {2 * self._allowed + 5} or more; or start a new "
                "run with a smaller --learning-rate or --clip-norm 1"
            )
