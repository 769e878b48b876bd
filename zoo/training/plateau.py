"""The schedule "plateau": the learning rate is lowered where evaluations no longer improve."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from zoo.training.config.recipe import Recipe

# torch's default: a value that is lower by less than this share of the best one is no improvement.
THRESHOLD = 1e-4


def first_plateau(recipe: Recipe) -> dict[str, jax.Array]:
    """{"best", "without_improvement", "scale"} before the first evaluation, or {} for another schedule.

    `scale` is what the learning rate is multiplied by.
    """
    if recipe.schedule != "plateau":
        return {}
    return {"best": jnp.float32(jnp.inf), "without_improvement": jnp.int32(0), "scale": jnp.float32(1)}


def metric_of(evaluation: Mapping[str, float | None], recipe: Recipe) -> float:
    """The recipe's `plateau_metric` of {"test_loss", "test_accuracy"}; not a number where that is None."""
    value = evaluation["test_loss" if recipe.plateau_metric == "test_loss" else "test_accuracy"]
    if value is None:
        return np.nan
    return value if recipe.plateau_metric == "test_loss" else 1 - value


def next_plateau(plateau: Mapping[str, Any], value: float, recipe: Recipe) -> dict[str, np.generic]:
    """What follows from an evaluation whose metric has this value, as in torch's ReduceLROnPlateau.

    After more than `plateau_patience` evaluations in a row without improvement the scale is multiplied by `decay_rate`.
    """
    best, without_improvement, scale = (plateau[name] for name in ("best", "without_improvement", "scale"))
    # False for what is not a number.
    improved = value < best * (1 - THRESHOLD)
    without_improvement = 0 if improved else without_improvement + 1
    if without_improvement > recipe.plateau_patience:
        without_improvement, scale = 0, scale * recipe.decay_rate
    return {
        "best": np.float32(value if improved else best),
        "without_improvement": np.int32(without_improvement),
        "scale": np.float32(scale),
    }
