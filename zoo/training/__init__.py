"""Training: recipes, the step, the loop, checkpoints and data parallelism."""

from zoo.training.compilation_cache import enable_compilation_cache
from zoo.training.export import checkpoint_weights
from zoo.training.freezing import frozen_parameters
from zoo.training.loop import Outcome, build_network, evaluate, train
from zoo.training.optimizer import learning_rate_schedule, make_optimizer
from zoo.training.options import RunOptions
from zoo.training.recipe import Recipe
from zoo.training.recipes import image_size, recipe_for
from zoo.training.run_folder import RunConfig, RunFolder
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
