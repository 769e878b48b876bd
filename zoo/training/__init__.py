"""Training: recipes, the training step and loop, checkpoints, several devices and processes."""

from zoo.runtime.compilation_cache import enable_compilation_cache
from zoo.training.checkpoint.checkpoint_weights import checkpoint_weights
from zoo.training.checkpoint.run_folder import RunFolder
from zoo.training.class_weights import balanced_weights
from zoo.training.config.recipe import Recipe
from zoo.training.config.recipe_table import recipe_for, training_image_size
from zoo.training.config.run_config import RunConfig
from zoo.training.config.run_options import RunOptions
from zoo.training.finetune.freezing import frozen_parameters
from zoo.training.initial_state import build_network
from zoo.training.learning_rate import learning_rate_schedule
from zoo.training.loop import Outcome, train_run
from zoo.training.optimizer import make_optimizer
from zoo.training.prepared_run import PreparedRun
from zoo.training.state import TrainState, create_state
from zoo.training.step import eval_step, train_step

__all__ = [
    "Outcome",
    "PreparedRun",
    "Recipe",
    "RunConfig",
    "RunFolder",
    "RunOptions",
    "TrainState",
    "balanced_weights",
    "build_network",
    "checkpoint_weights",
    "create_state",
    "enable_compilation_cache",
    "eval_step",
    "frozen_parameters",
    "learning_rate_schedule",
    "make_optimizer",
    "recipe_for",
    "train_run",
    "train_step",
    "training_image_size",
]
