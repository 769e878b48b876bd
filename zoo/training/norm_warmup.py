"""The momentum of batch norm's running statistics in a run: the recipe's or the network's, smaller in the first steps.

A running statistic starts at 0 (mean) or 1 (variance) and keeps `momentum` of itself per step. After n steps momentum^n
of the start is left: with MnasNet's 0.9997 that is 94 % after 200 steps, and the network is of no use in inference.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from zoo.training.config.recipe import Recipe


def warmed_up_decay(limit: float, count: jax.Array | int) -> jax.Array:
    """The decay of a moving average that was updated `count` times before: (1 + count) / (10 + count), up to `limit`.

    As in TensorFlow's ExponentialMovingAverage with `num_updates`. The average is over about the last tenth of the
    updates, until it is over 1 / (1 - limit) of them.
    """
    return jnp.minimum(limit, (1 + count) / (10 + count)).astype(jnp.float32)


def training_momentum(step: jax.Array, recipe: Recipe) -> AbstractContextManager:
    """Within this context the momentum of a batch norm that trains is the recipe's, or without one its own.

    With the recipe's `batch_norm_warmup` it is `warmed_up_decay` of that; `step` is the number of steps before this
    one. A momentum of 1 stays: those statistics are constants.
    """

    def intercept(function: Callable, args: tuple, kwargs: dict[str, Any], context: nn.module.InterceptorContext):
        module = context.module
        trains = isinstance(module, nn.BatchNorm) and module.is_mutable_collection("batch_stats")
        # The copy below comes here too, at the same path with the same variables: its momentum is an array.
        if not trains or isinstance(module.momentum, jax.Array) or module.momentum >= 1:
            return function(*args, **kwargs)
        limit = module.momentum if recipe.batch_norm_momentum is None else recipe.batch_norm_momentum
        momentum = warmed_up_decay(limit, step) if recipe.batch_norm_warmup else jnp.float32(limit)
        copy = module.clone(momentum=momentum, parent=module.scope)
        return copy(*args, **kwargs)

    if recipe.batch_norm_momentum is None and not recipe.batch_norm_warmup:
        return nullcontext()
    return nn.intercept_methods(intercept)
