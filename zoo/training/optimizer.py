"""The optimizer that a recipe asks for."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import jax
import optax

from zoo.training.config.recipe import Recipe
from zoo.training.muon import scale_by_muon
from zoo.weights.files import key_of

NO_GROUPS: Mapping[str, int] = MappingProxyType({})


def count_updates(recipe: Recipe, steps: int) -> int:
    """How many updates so many steps make; gradients that are left over at the end of a run are not used."""
    return steps // recipe.accumulate


def learning_rate_schedule(recipe: Recipe, steps_per_epoch: int) -> optax.Schedule:
    """The learning rate of each update: a linear warmup from zero, then the recipe's schedule.

    The cosine and linear schedules reach zero at the last update. Without accumulation each step is an update.
    """
    updates = max(1, count_updates(recipe, recipe.epochs * steps_per_epoch))
    warmup = min(round(recipe.warmup_epochs * steps_per_epoch / recipe.accumulate), updates - 1)
    peak, remaining = recipe.learning_rate, updates - warmup
    after = {
        "cosine": optax.cosine_decay_schedule(peak, remaining),
        "linear": optax.linear_schedule(peak, 0.0, remaining),
        "constant": optax.constant_schedule(peak),
    }[recipe.schedule]
    return optax.join_schedules([optax.linear_schedule(0.0, peak, warmup), after], [warmup]) if warmup else after


def make_optimizer(
    recipe: Recipe,
    steps_per_epoch: int,
    head: frozenset[str] = frozenset(),
    groups: Mapping[str, int] = NO_GROUPS,
) -> optax.GradientTransformation:
    """The recipe's optimizer, with weight decay on kernels only, and `backbone_rate` on all parameters but the head.

    `head` has the keys of the head's parameters, such as "fc/kernel", and `groups` the number of groups of grouped
    convolutions by the key of their kernel. Muon uses both: Adam for the head, and one matrix per group.
    """
    rate = learning_rate_schedule(recipe, steps_per_epoch)
    parts = [
        optax.clip_by_global_norm(recipe.clip_norm) if recipe.clip_norm else optax.identity(),
        _DIRECTIONS[recipe.optimizer](recipe, head, groups),
        optax.scale_by_learning_rate(rate),
    ]
    if recipe.backbone_rate != 1:
        # Updates are proportional to the learning rate, including weight decay.
        parts.append(optax.masked(optax.scale(recipe.backbone_rate), all_but(head)))
    chosen = optax.chain(*parts)
    if recipe.accumulate == 1:
        return chosen
    return optax.MultiSteps(chosen, recipe.accumulate).gradient_transformation()


def all_but(head: frozenset[str]) -> Callable[[Any], Any]:
    """A mask: true for the leaves that are not in the head."""
    return lambda params: jax.tree.map_with_path(lambda path, leaf: key_of(path) not in head, params)


def kernel_mask(params: Any) -> Any:
    """A mask: true for leaves with more than one axis, which are neither biases nor scales of norms."""
    return jax.tree.map(lambda leaf: leaf.ndim > 1, params)


def _decay(recipe: Recipe) -> optax.GradientTransformation:
    return optax.add_decayed_weights(recipe.weight_decay, mask=kernel_mask)


def _sgd(recipe: Recipe, head: frozenset[str], groups: Mapping[str, int]) -> optax.GradientTransformation:
    return optax.chain(_decay(recipe), optax.trace(recipe.momentum, nesterov=True))


def _adamw(recipe: Recipe, head: frozenset[str], groups: Mapping[str, int]) -> optax.GradientTransformation:
    return optax.chain(optax.scale_by_adam(), _decay(recipe))


def _lamb(recipe: Recipe, head: frozenset[str], groups: Mapping[str, int]) -> optax.GradientTransformation:
    # Biases start at zero, where the trust ratio would keep them.
    trust_ratio = optax.masked(optax.scale_by_trust_ratio(), kernel_mask)
    return optax.chain(optax.scale_by_adam(eps=1e-6), _decay(recipe), trust_ratio)


def _muon(recipe: Recipe, head: frozenset[str], groups: Mapping[str, int]) -> optax.GradientTransformation:
    return optax.chain(scale_by_muon(head, groups), _decay(recipe))


_DIRECTIONS = {"sgd": _sgd, "adamw": _adamw, "lamb": _lamb, "muon": _muon}
