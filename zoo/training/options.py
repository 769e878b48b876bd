"""How a run is carried out: what its result does not depend on."""

from dataclasses import dataclass

from zoo.training.setting import setting
from zoo.training.tensorboard import check_tensorboard


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How a run is carried out; a resumed run may have others. Raises ZooError for what cannot be done here."""

    tensorboard: bool = setting(False, "write TensorBoard events into the run folder (needs tensorboardX)")
    profile: bool = setting(False, "trace ten early steps with JAX's profiler, into the run folder")

    def __post_init__(self) -> None:
        if self.tensorboard:
            check_tensorboard()
