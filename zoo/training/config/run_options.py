"""How a run is carried out: settings that do not change the trained network, and may change when a run is resumed."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from zoo.errors import ZooError
from zoo.printable import quoted
from zoo.runtime.limits import POSITIVE_COUNT as STEPS
from zoo.runtime.number_range import NumberRange
from zoo.training.config.config_field import check_fields, config_field
from zoo.training.logging.tensorboard import check_tensorboard
from zoo.training.logging.trackers import check_tracker

# Of `workers`: as many as suit the machine.
AUTO = -1
# More than the cores of any machine; each is a process of 200 MB.
MOST_WORKERS = 1024
MINUTES = NumberRange(minimum=0.001, maximum=10**6, whole=False)


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Settings beside the recipe. Raises ZooError for impossible values, and where a library for them is missing."""

    log_every: int = config_field(0, "print and record the training metrics every N steps; 0: never")
    eval_every: int = config_field(0, "evaluate and save every N steps, besides the end of each epoch; 0: never")
    save_every: str = config_field(
        "", "save every N steps (500) or minutes (10m), besides after each evaluation", metavar="N|Nm"
    )
    keep: int = config_field(2, "number of latest checkpoints to keep, besides the best", minimum=1)
    skip_nonfinite: int = config_field(0, "how many updates in a row may be skipped as not finite before the run stops")
    skip_unreadable: int = config_field(
        0, "how many images that cannot be read each process may leave out; in training others replace them"
    )
    workers: int = config_field(
        AUTO,
        "processes that read and decode images that are not kept on the devices; 0: threads of this process; "
        "-1: one per core but one, on more than four cores and for large data sets",
        minimum=AUTO,
        maximum=MOST_WORKERS,
    )
    fsdp: bool = config_field(False, "also split parameters and optimizer state over the devices")
    tensorboard: bool = config_field(False, "write TensorBoard events into the run folder (needs tensorboardX)")
    log: Literal["", "wandb", "mlflow", "trackio"] = config_field(
        "", "send the measurements to an experiment tracker (needs its library)"
    )
    profile: bool = config_field(False, "trace ten early steps with JAX's profiler, into the run folder")

    def __post_init__(self) -> None:
        check_fields(self)
        parse_interval(self.save_every)
        if self.tensorboard:
            check_tensorboard()
        check_tracker(self.log)


class Interval(NamedTuple):
    """A number of steps or of seconds; 0 for the one that is not given."""

    steps: int = 0
    seconds: float = 0.0


def parse_interval(text: str) -> Interval:
    """The interval of "500" (steps), "10m" (minutes) or "" (none). Raises ZooError for anything else."""
    if not text:
        return Interval()
    number = text.removesuffix("m")
    try:
        return (
            Interval(seconds=60 * MINUTES.parse(number)) if number != text else Interval(steps=int(STEPS.parse(text)))
        )
    except ZooError:
        raise ZooError(
            f"save_every is {quoted(text)}: give steps ({STEPS}), such as 500, or minutes ({MINUTES}), such as 10m"
        ) from None
