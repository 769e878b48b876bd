"""Where a run is, besides its state."""

from dataclasses import dataclass, field
from typing import Annotated, TypedDict

from msgspec import Meta

from zoo.training.logging.step_metrics import Totals

Seconds = Annotated[float, Meta(ge=0, le=1e12)]


class FeedPosition(TypedDict, total=False):
    """How many batches the feed has given; {} if the step alone decides the batch."""

    next_index: Annotated[int, Meta(ge=0, lt=2**53)]


@dataclass(frozen=True, kw_only=True)
class Position:
    """What a checkpoint stores of a run besides its state, as JSON.

    `feed` is the position in the data, `metrics` and `window` are the totals of the epoch's steps and of those since
    the last logged one, and `seconds` is the run's time so far. `evaluation_missing` says that the run was stopped
    during the evaluation after this step; None, in checkpoints of earlier versions, that it is not known.
    """

    feed: FeedPosition = field(default_factory=FeedPosition)
    metrics: Totals | None = None
    window: Totals | None = None
    seconds: Seconds = 0.0
    evaluation_missing: bool | None = None
