"""Whether the batch norms of a network have something to normalise in training."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from zoo.errors import ZooError
from zoo.models.network import Network
from zoo.training.config.recipe import Recipe
from zoo.training.finetune.freezing import frozen_parameters


def check_batch_norms(network: Network, recipe: Recipe, image_shape: tuple[int, int, int]) -> None:
    """Raises ZooError, with its path, for a batch norm that would see one value per channel in training.

    That has no variance: the output would be the bias, whatever the image. Frozen ones do not count.
    """
    if recipe.batch_size > 1:
        return
    frozen = frozen_parameters(network, recipe.freeze)

    def refuse_single_values(function: Any, args: tuple, kwargs: dict, context: nn.module.InterceptorContext) -> Any:
        module = context.module
        called = isinstance(module, nn.BatchNorm) and context.method_name == "__call__"
        trains = called and "/".join((*module.path, "bias")) not in frozen
        if trains and args[0].size == args[0].shape[-1]:
            raise ZooError(
                f"batch_size is 1: the batch norm {'/'.join(module.path)} would see one value per channel in training; "
                "use a larger batch or image size"
            )
        return function(*args, **kwargs)

    images = jax.ShapeDtypeStruct((1, *image_shape), jnp.float32)
    with nn.intercept_methods(refuse_single_values):
        jax.eval_shape(functools.partial(network.init, train=True), jax.random.key(0), images)
