"""Whether the batch norms of a network have something to normalise in training."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from zoo.errors import ZooError
from zoo.models.network import Network
from zoo.runtime.kept_traces import new_trace_name
from zoo.training.config.recipe import Recipe
from zoo.training.finetune.freezing import frozen_parameters
from zoo.training.norm_groups import batch_norm_groups

# The images of two groups: a number that no other axis of an array is likely to have.
TRIED_GROUPS = (19, 19)


def check_batch_norms(network: Network, recipe: Recipe, image_shape: tuple[int, int, int]) -> None:
    """Raises ZooError, with its path, for a batch norm that would see one value per channel in training.

    That has no variance: the output would be the bias, whatever the image. Frozen ones do not count. With `bn_group`
    also for statistics that no `nn.BatchNorm` computes, or that cannot be computed in groups.
    """
    if recipe.bn_group:
        check_groups(network, image_shape)
    if (recipe.bn_group or recipe.batch_size) > 1:
        return
    setting = "bn_group" if recipe.bn_group else "batch_size"
    frozen = frozen_parameters(network, recipe.freeze)

    def refuse_single_values(function: Any, args: tuple, kwargs: dict, context: nn.module.InterceptorContext) -> Any:
        module = context.module
        called = isinstance(module, nn.BatchNorm) and context.method_name == "__call__"
        trains = called and "/".join((*module.path, "bias")) not in frozen
        if trains and args[0].size == args[0].shape[-1]:
            raise ZooError(
                f"{setting} is 1: the batch norm {'/'.join(module.path)} would see one value per channel in training; "
                f"use a larger {'group' if recipe.bn_group else 'batch'} or image size"
            )
        return function(*args, **kwargs)

    images = jax.ShapeDtypeStruct((1, *image_shape), jnp.float32)
    with nn.intercept_methods(refuse_single_values):
        jax.eval_shape(functools.partial(network.init, train=True), jax.random.key(0), images)


def check_groups(network: Network, image_shape: tuple[int, int, int]) -> None:
    """Raises ZooError, with its path, for statistics of the batch that `batch_norm_groups` would not split."""
    seen: set[tuple[str, ...]] = set()

    def note(function: Any, args: tuple, kwargs: dict, context: nn.module.InterceptorContext) -> Any:
        # The statistics of spectral norm are those of its kernel.
        if isinstance(context.module, nn.BatchNorm | nn.SpectralNorm):
            seen.add(context.module.path)
        return function(*args, **kwargs)

    images = jax.ShapeDtypeStruct((sum(TRIED_GROUPS), *image_shape), jnp.float32)
    key = jax.random.key(0)
    with nn.intercept_methods(note):
        variables = jax.eval_shape(
            functools.partial(network.init, train=True), {"params": key, new_trace_name(): key}, images
        )
    for path, _ in jax.tree.leaves_with_path(variables.get("batch_stats", {})):
        layer = tuple(part.key for part in path[:-1])
        if layer not in seen:
            raise ZooError(
                f"the statistics of {'/'.join(layer)} are not those of flax.linen.BatchNorm, and cannot be computed in "
                "groups: leave out --bn-group"
            )
    mutable = ["batch_stats", "aux_logits", new_trace_name()]
    train = functools.partial(network.apply, train=True, mutable=mutable, rngs={"dropout": key})
    with batch_norm_groups(TRIED_GROUPS[0], sum(TRIED_GROUPS)):
        jax.eval_shape(train, variables, images)
