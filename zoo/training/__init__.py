"""Training: recipes, the step, the loop, checkpoints and data parallelism."""

from zoo.runtime.compilation_cache import enable_compilation_cache
from zoo.training.checkpoint.checkpoint_weights import checkpoint_weights
from zoo.training.checkpoint.run_folder import RunConfig, RunFolder
from zoo.training.config.recipe import Recipe
from zoo.training.config.recipe_table import image_size, recipe_for
from zoo.training.config.run_options import RunOptions
from zoo.training.evaluation import evaluate
from zoo.training.finetune.freezing import frozen_parameters
from zoo.training.initial_state import build_network
from zoo.training.loop import Outcome, train
from zoo.training.optimizer import learning_rate_schedule, make_optimizer
from zoo.training.step import TrainState, create_state, eval_step, train_step

__all__ = [
    "Outcome",
    "Recipe",
    "RunConfig",
    "RunFolder",
    "RunOptions",
    "TrainState",
    "build_network",
    "checkpoint_weights",
    "create_state",
    "enable_compilation_cache",
    "eval_step",
    "evaluate",
    "frozen_parameters",
    "image_size",
    "learning_rate_schedule",
    "make_optimizer",
    "recipe_for",
    "train",
    "train_step",
]
