"""The records of a run, as a sequence with a table for prompts and notebooks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from zoo.runtime.html_tables import html_table
from zoo.runtime.text_tables import aligned_table
from zoo.training.logging.rows import MetricsRow

COLUMNS = ("epoch", "step", "learning_rate", "loss", "accuracy", "test_loss", "test_accuracy")
LEFT = (False,) * len(COLUMNS)
# Rows that are shown: the first and the last ones.
SHOWN = 20


@dataclass(frozen=True, repr=False)
class History(Sequence[MetricsRow]):
    """A record per evaluation and logged step, in order, as in metrics.jsonl: measurements by name.

    A table or a plot takes it as it is: `pandas.DataFrame(history)`.
    """

    rows: tuple[MetricsRow, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[MetricsRow]:
        return iter(self.rows)

    @overload
    def __getitem__(self, index: int) -> MetricsRow: ...
    @overload
    def __getitem__(self, index: slice) -> "History": ...
    def __getitem__(self, index: int | slice) -> "MetricsRow | History":
        return History(self.rows[index]) if isinstance(index, slice) else self.rows[index]

    def _cells(self) -> list[list[str]]:
        cells = [[_cell(name, row.get(name)) for name in COLUMNS] for row in self.rows]
        left_out = [["..."] * len(COLUMNS)]
        return cells if len(cells) <= SHOWN else cells[: SHOWN // 2] + left_out + cells[-SHOWN // 2 :]

    def __repr__(self) -> str:
        return "\n".join(aligned_table(COLUMNS, self._cells(), LEFT)) if self.rows else "History()"

    def _repr_html_(self) -> str:
        """For notebooks."""
        return html_table(COLUMNS, self._cells(), LEFT, caption=f"{len(self)} records")


def _cell(name: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:g}" if name in ("epoch", "step") else f"{value:.4g}" if name == "learning_rate" else f"{value:.4f}"
