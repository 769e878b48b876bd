"""The metrics that Orbax stores with a checkpoint, as JSON: which checkpoint is the best."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from zoo.errors import ZooError
from zoo.runtime.failures import refusal_line
from zoo.runtime.record_types import Fraction
from zoo.runtime.records import as_record, parse_json, with_advice
from zoo.runtime.regular_file import read_regular
from zoo.runtime.system_errors import reason

Epoch = Annotated[float, Meta(ge=0, le=1e12)]


@dataclass(frozen=True, kw_only=True)
class SavedMetrics:
    """The metric by which the best checkpoint is chosen, and what else is known; others may be beside them."""

    test_accuracy: Fraction
    test_loss: float | None = None
    epoch: Epoch | None = None

    @property
    def ends_epoch(self) -> bool:
        """Whether they are of an evaluation at the end of an epoch."""
        return self.epoch is not None and self.epoch == int(self.epoch)


def metrics_file(checkpoint: Path) -> Path:
    """Where they are; a checkpoint that was not evaluated has none."""
    return checkpoint / "metrics" / "metrics"


def read_metrics(checkpoint: Path) -> SavedMetrics | None:
    """Those of a checkpoint; None for one that was not evaluated. Raises ZooError if they are damaged."""
    file = metrics_file(checkpoint)
    try:
        with with_advice("rename the folder of that checkpoint to use another one"):
            return as_record(parse_json(read_regular(file), str(file)), SavedMetrics, str(file), allow_unknown=True)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ZooError(f"cannot read {file}: {reason(error)}") from None


def has_readable_metrics(checkpoint: Path) -> bool:
    """Whether the metrics of a checkpoint can be read; true for one without metrics.

    Raises ZooError where the system refuses to read them: they may be whole.
    """
    try:
        read_metrics(checkpoint)
        return True
    except ZooError as error:
        if error.__context__ and refusal_line(error.__context__):
            raise
        return False
