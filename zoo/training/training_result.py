"""What `zoo.train` returns."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.runtime.html_tables import html_facts
from zoo.training.logging.history import History
from zoo.training.logging.rows import MetricsRow, is_evaluation
from zoo.weights import Weights


@dataclass(frozen=True, kw_only=True, repr=False)
class TrainingResult:
    """A trained network and how it was trained.

    `weights` are those of the `best` evaluation, by test accuracy, of equals the last: the network, its variables,
    preprocessing and class names, with `weights.predict(images)`. `history` has a record per evaluation and logged
    step, in order, as metrics.jsonl. `best` is None, and the weights are those of the last step, where the run was
    stopped before its first evaluation. `finished` says whether the run came to its end.
    """

    weights: Weights
    history: History
    best: MetricsRow | None
    finished: bool
    run_dir: Path | None = None

    @property
    def variables(self) -> Mapping[str, Any]:
        """{"params", "batch_stats"} of the weights."""
        return self.weights.variables

    @property
    def evaluations(self) -> History:
        """The records of the history that have test metrics."""
        return History(tuple(row for row in self.history if is_evaluation(row)))

    def _facts(self) -> list[tuple[str, str]]:
        row, last = self.best, self.history[-1] if self.history else None
        accuracy = row and row["test_accuracy"]
        best = f"test accuracy {accuracy:.4f} after epoch {row['epoch']:g}" if row and accuracy is not None else "none"
        # The step of the stop is in no record.
        end, after = ("finished", " after ") if self.finished else ("stopped", "; its last record: ")
        return [
            ("network", self.weights.model),
            ("data", f"{self.weights.dataset}, {len(self.weights.class_names)} classes"),
            ("run", f"{end}{after}epoch {last['epoch']:g}, step {last['step']}" if last else end),
            ("best", best),
            ("run folder", str(self.run_dir or "none")),
        ]

    def __repr__(self) -> str:
        """A few lines, without the arrays."""
        return "\n".join(["TrainingResult", *(f"  {name}: {text}" for name, text in self._facts())])

    def _repr_html_(self) -> str:
        """For notebooks."""
        return html_facts("TrainingResult", self._facts())
