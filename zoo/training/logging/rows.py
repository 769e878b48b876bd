"""The rows of metrics.jsonl: one JSON object per line, an evaluation or the training metrics of logged steps."""

import math
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from io import BufferedReader
from typing import Annotated, Any, Required, TypedDict, TypeGuard, cast

import msgspec
from msgspec import Meta

from zoo.errors import ZooError, ZooWarning
from zoo.runtime.record_types import Count
from zoo.runtime.records import InvalidRecord, as_record, parse_json
from zoo.runtime.regular_file import open_regular
from zoo.runtime.system_errors import reason
from zoo.training.checkpoint.run_folder import RunFolder

MetricsRow = Mapping[str, float | None]
# A run writes no more, and they take about 150 MB of memory.
MAX_ROWS = 250_000
# Bytes of a row; more are read as several, which cannot be read.
MAX_ROW_SIZE = 2**12
# Columns of a newer version.
MAX_OTHER_COLUMNS = 8
# A crash cuts one line, a power failure a few.
MAX_UNREADABLE = 1000

# Whole numbers stay whole, so that a row that is written again has the same text.
Amount = Annotated[int, Meta(ge=0, lt=2**53)] | Annotated[float, Meta(ge=0)]
Accuracy = Annotated[int, Meta(ge=0, le=1)] | Annotated[float, Meta(ge=0, le=1)]
# A mean of float32 numbers, which are rounded.
MeanAccuracy = Annotated[int, Meta(ge=0, le=1)] | Annotated[float, Meta(ge=0, le=1.001)]
OtherColumn = Annotated[str, Meta(max_length=40)]
AnyNumber = Annotated[int, Meta(gt=-(2**53), lt=2**53)] | float


class Columns(TypedDict, total=False):
    """The columns of a row; null is a number that was not finite. A row may have others."""

    step: Required[Count]
    epoch: Required[Amount]
    learning_rate: Amount | None
    gradient_norm: Amount | None
    loss: AnyNumber | None
    accuracy: MeanAccuracy | None
    skipped: Count | None
    test_loss: AnyNumber | None
    test_accuracy: Accuracy | None
    images_per_second: Amount | None
    waiting: AnyNumber | None
    utilisation: Amount | None
    seconds: Amount | None


OtherColumns = Annotated[dict[OtherColumn, AnyNumber | None], Meta(max_length=MAX_OTHER_COLUMNS)]
_DECODER = msgspec.json.Decoder(Columns)


@dataclass(frozen=True)
class StoredRows:
    """The rows of a run in order, and why lines between them cannot be read."""

    rows: tuple[MetricsRow, ...] = ()
    unreadable: tuple[str, ...] = ()

    def problem(self) -> str:
        """What is said of the lines that cannot be read; "" if there are none."""
        if not self.unreadable:
            return ""
        more = f", and {len(self.unreadable) - 1} more lines" if len(self.unreadable) > 1 else ""
        return f"{self.unreadable[0]}: this line is skipped{more}"


def step_of(row: MetricsRow) -> int:
    """After how many steps the row was measured. Every row has it: it is required where rows are read."""
    return cast(int, row["step"])


def is_evaluation(row: MetricsRow) -> bool:
    """Whether the row is an evaluation, which has test metrics; the rows of logged steps have none."""
    return "test_accuracy" in row


def best_evaluation(rows: Iterable[MetricsRow]) -> MetricsRow | None:
    """The row with the best test accuracy, of equals the last; None without one that is finite.

    This is the choice of a run's best checkpoint too: `open_checkpointer` keeps it, and `chosen_step` takes it. Of
    equals the last was trained longer, and at a lower learning rate.
    """
    accuracies = [(accuracy, row) for row in rows if _is_finite(accuracy := row.get("test_accuracy"))]
    return max(reversed(accuracies), key=lambda pair: pair[0], default=(0.0, None))[1]


def _is_finite(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def read_evaluations(folder: RunFolder) -> list[MetricsRow]:
    """The evaluations of a run in order. Lines that cannot be read are left out with a ZooWarning.

    Raises ZooError if the file cannot be read.
    """
    stored = read_rows(folder)
    if stored.unreadable:
        warnings.warn(stored.problem(), ZooWarning, stacklevel=2)
    return [row for row in stored.rows if is_evaluation(row)]


def read_rows(folder: RunFolder) -> StoredRows:
    """All rows of a run; none without a file. Raises ZooError if it cannot be read, or is no file of such rows."""
    try:
        with open_regular(folder.metrics_file) as file:
            return _parse_lines(file)
    except FileNotFoundError:
        return StoredRows()
    except OSError as error:
        raise ZooError(f"cannot read {folder.metrics_file}: {reason(error)}") from None


def _parse_lines(file: BufferedReader) -> StoredRows:
    rows: list[MetricsRow] = []
    unreadable: list[str] = []
    read_line = partial(file.readline, MAX_ROW_SIZE)
    for number, line in enumerate(iter(read_line, b""), start=1):
        if len(rows) == MAX_ROWS:
            raise ZooError(f"{file.name} has more than {MAX_ROWS:,} rows, and no run writes them: move it elsewhere")
        try:
            rows.append(_parse_known(line) or _parse(line, f"{file.name}, line {number}"))
        except InvalidRecord as error:
            unreadable.append(str(error))
            if len(unreadable) > MAX_UNREADABLE:
                raise ZooError(
                    f"{unreadable[0]}, and more than {MAX_UNREADABLE} other lines: remove the file"
                ) from None
    return StoredRows(tuple(rows), tuple(unreadable))


def _parse_known(line: bytes) -> MetricsRow | None:
    """The fast way, for a row of `Columns` alone; None for any other line."""
    try:
        row = _DECODER.decode(line)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None
    # As many colons as columns: none occurs twice, and none is left out as unknown.
    return row if len(row) == line.count(b":") else None  # type: ignore[return-value]


def _parse(line: bytes, where: str) -> MetricsRow:
    """Raises InvalidRecord, with the reason, if the line is no row."""
    stored = parse_json(line, where)
    row: dict[str, Any] = {**as_record(stored, Columns, where, allow_unknown=True)}
    others = {name: value for name, value in stored.items() if name not in row}
    return {**row, **as_record(others, OtherColumns, where)}
