"""Where a run is, besides its state."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Position:
    """What a checkpoint stores of a run besides its state, as JSON.

    `feed` is the position in the data, `metrics` and `window` are the totals of the epoch's steps and of those since
    the last logged one, and `seconds` is the run's time so far. `evaluation_missing` says that the run was stopped
    during the evaluation after this step; None, in checkpoints of earlier versions, that it is not known.
    """

    feed: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] | None = None
    window: dict[str, Any] | None = None
    seconds: float = 0.0
    evaluation_missing: bool | None = None


def parse_position(stored: dict[str, Any]) -> Position:
    """The position in a checkpoint. The first version stored that of the feed alone."""
    return Position(**stored) if "feed" in stored else Position(feed=stored)
