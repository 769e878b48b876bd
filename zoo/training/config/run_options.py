"""How a run is carried out: what its result does not depend on, and what may differ when it is resumed."""

from dataclasses import dataclass

from zoo.errors import ZooError
from zoo.training.config.config_field import setting
from zoo.training.logging.tensorboard import check_tensorboard


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Settings beside the recipe. Raises ZooError for impossible values, and for what cannot be done here."""

    save_every: str = setting("", "save every so many steps (500) or minutes (10m), besides each epoch's end", "N|Nm")
    keep: int = setting(2, "checkpoints kept, besides the best")
    skip_nonfinite: int = setting(0, "updates in a row that are left out where not finite, before the run stops")
    fsdp: bool = setting(False, "split parameters and optimizer state over the devices too")
    tensorboard: bool = setting(False, "write TensorBoard events into the run folder (needs tensorboardX)")
    profile: bool = setting(False, "trace ten early steps with JAX's profiler, into the run folder")

    def __post_init__(self) -> None:
        for name, smallest in (("keep", 1), ("skip_nonfinite", 0)):
            if getattr(self, name) < smallest:
                raise ZooError(f"{name} is {getattr(self, name)}: it must be at least {smallest}")
        every(self.save_every)
        if self.tensorboard:
            check_tensorboard()


def every(text: str) -> tuple[int, float]:
    """(steps, seconds) of "500" or "10m", 0 where it is not given in that. Raises ZooError for anything else."""
    number = text.removesuffix("m")
    try:
        value = float(number or 0) if number != text else int(number or 0)
    except ValueError:
        value = -1
    if not 0 <= value < float("inf") or (text and not value):
        raise ZooError(f"save_every is {text!r}: give steps, as 500, or minutes, as 10m")
    return (0, 60.0 * value) if number != text else (int(value), 0.0)
