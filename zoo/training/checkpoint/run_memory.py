"""In place of a run folder, for a run that writes nothing: it keeps the rows, and the variables of the best evaluation.

It stands for the run's checkpoints and for its recorder, whose methods it has.
"""

from collections.abc import Mapping
from types import TracebackType
from typing import Any

import jax
import numpy as np

from zoo.training.logging.rows import MetricsRow
from zoo.training.state import TrainState


class RunMemory:
    """What a run leaves: `rows` in order, and the `variables` after the `step` of its best evaluation.

    Of equal ones it is the last, and before the first evaluation the step after which the run was stopped.
    """

    def __init__(self) -> None:
        self.rows: list[MetricsRow] = []
        self.variables: dict[str, Any] = {}
        self.step = 0
        self._accuracy = -1.0

    def __enter__(self) -> "RunMemory":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        """Nothing is open."""

    def add(self, row: MetricsRow) -> None:
        """Keep a row."""
        self.rows.append(row)

    def drop_after(self, step: int) -> None:
        """There are none: nothing is resumed."""

    def save(self, state: TrainState, position: Mapping[str, Any], metrics: MetricsRow | None = None) -> None:
        """Keep a copy of the variables, if no better ones are kept: the next step donates the state's memory."""
        accuracy = -1.0 if metrics is None or (found := metrics["test_accuracy"]) is None else found
        if accuracy < self._accuracy:
            return
        self.step, self._accuracy = int(state.step), accuracy
        self.variables = jax.tree.map(np.array, jax.device_get(state.eval_variables))

    def poll(self) -> None:
        """Nothing is saved in the background."""

    def require(self, step: int) -> None:
        """Nothing can be missing."""

    def resume_hint(self) -> str:
        """For a message."""
        return "nothing was saved, so start again"
