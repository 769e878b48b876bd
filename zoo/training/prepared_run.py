"""A run that can start: everything that `train` needs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import jax
import numpy as np

from zoo.data import Dataset
from zoo.training.checkpoint.run_folder import RunFolder
from zoo.training.checkpoint.run_memory import RunMemory
from zoo.training.config.run_config import RunConfig
from zoo.training.config.run_options import RunOptions
from zoo.training.logging.rows import MetricsRow

Backbone = Mapping[str, jax.Array | np.ndarray]
# Gets each evaluation as it is recorded; True ends the run.
OnEvaluation = Callable[[MetricsRow], bool | None]


@dataclass(frozen=True, kw_only=True)
class PreparedRun:
    """What a run is, its data and its folder, which holds its configuration already, or the memory in its place.

    `backbone` are the pretrained variables that a new run starts from, by key. With `resume` the run in `folder`
    continues from its latest checkpoint. `on_evaluation` is called with each evaluation.
    """

    config: RunConfig
    dataset: Dataset
    folder: RunFolder | RunMemory
    backbone: Backbone = field(default_factory=dict)
    resume: bool = False
    options: RunOptions = field(default_factory=RunOptions)
    on_evaluation: OnEvaluation | None = None
