"""The optimizer that a recipe asks for."""

from typing import Any

import jax
import optax

from zoo.training.recipe import Recipe
from zoo.weights.files import key_of


def learning_rate_schedule(recipe: Recipe, steps_per_epoch: int) -> optax.Schedule:
    """Step to learning rate: linear from zero over the warmup, then a cosine down to zero at the last step."""
    steps = recipe.epochs * steps_per_epoch
    warmup = min(round(recipe.warmup_epochs * steps_per_epoch), steps - 1)
    return optax.warmup_cosine_decay_schedule(0.0, recipe.learning_rate, warmup, steps)


def make_optimizer(
    recipe: Recipe, steps_per_epoch: int, head: frozenset[str] = frozenset()
) -> optax.GradientTransformation:
    """AdamW, or SGD with Nesterov momentum, decayed on kernels alone; all but `head` at `backbone_rate`.

    `head` holds the keys of parameters, as "fc/kernel".
    """
    chosen = chosen_optimizer(recipe, steps_per_epoch)
    if recipe.backbone_rate == 1:
        return chosen

    def backbone(params: Any) -> Any:
        return jax.tree.map_with_path(lambda place, leaf: key_of(place) not in head, params)

    # Updates are in proportion to the learning rate, the decay of weights included.
    return optax.chain(chosen, optax.masked(optax.scale(recipe.backbone_rate), backbone))


def chosen_optimizer(recipe: Recipe, steps_per_epoch: int) -> optax.GradientTransformation:
    """The recipe's, with one learning rate for all."""
    rate = learning_rate_schedule(recipe, steps_per_epoch)
    clip = optax.clip_by_global_norm(recipe.clip_norm) if recipe.clip_norm else optax.identity()
    if recipe.optimizer == "adamw":
        return optax.chain(clip, optax.adamw(rate, weight_decay=recipe.weight_decay, mask=kernels))
    decay = optax.add_decayed_weights(recipe.weight_decay, mask=kernels)
    return optax.chain(clip, decay, optax.sgd(rate, momentum=recipe.momentum, nesterov=True))


def kernels(params: Any) -> Any:
    """True for the leaves with more than one axis: not for biases and the scales of norms."""
    return jax.tree.map(lambda leaf: leaf.ndim > 1, params)
