"""The rows of metrics.jsonl: one JSON object per line, an evaluation or the training metrics of logged steps."""

import json
from collections.abc import Mapping

from zoo.errors import ZooError
from zoo.runtime.regular_file import read_regular
from zoo.runtime.system_errors import reason
from zoo.training.checkpoint.run_folder import RunFolder

MetricsRow = Mapping[str, float | None]
# Bytes: more than a million rows.
MAX_METRICS_SIZE = 256 * 2**20


def is_evaluation(row: MetricsRow) -> bool:
    """Whether the row is an evaluation, which has test metrics; the rows of logged steps have none."""
    return "test_accuracy" in row


def read_evaluations(folder: RunFolder) -> list[MetricsRow]:
    """The evaluations of a run in order, without unreadable lines. Raises ZooError if the file cannot be read."""
    return [row for row in read_rows(folder) if row is not None and is_evaluation(row)]


def read_rows(folder: RunFolder) -> list[MetricsRow | None]:
    """All rows of a run, None for an unreadable line; [] without a file. Raises ZooError if it cannot be read."""
    try:
        lines = read_regular(folder.metrics_file, MAX_METRICS_SIZE).splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ZooError(f"cannot read {folder.metrics_file}: {reason(error)}") from None
    return [_parse(line) for line in lines]


def _parse(line: bytes) -> MetricsRow | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and {"step", "epoch"} <= row.keys() else None
