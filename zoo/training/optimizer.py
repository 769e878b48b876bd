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


def updates_of(recipe: Recipe, steps: int) -> int:
    """How often so many steps change the parameters; what is left over at the end of a run is not used."""
    return steps // recipe.accumulate


def learning_rate_schedule(recipe: Recipe, steps_per_epoch: int) -> optax.Schedule:
    """Update to learning rate: linear from zero over the warmup, then as the recipe's schedule says.

    A cosine or a line falls to zero at the last update. Updates are steps, where gradients are not accumulated.
    """
    updates = max(1, updates_of(recipe, recipe.epochs * steps_per_epoch))
    warmup = min(round(recipe.warmup_epochs * steps_per_epoch / recipe.accumulate), updates - 1)
    peak, left = recipe.learning_rate, updates - warmup
    after = {
        "cosine": optax.cosine_decay_schedule(peak, left),
        "linear": optax.linear_schedule(peak, 0.0, left),
        "constant": optax.constant_schedule(peak),
    }[recipe.schedule]
    return optax.join_schedules([optax.linear_schedule(0.0, peak, warmup), after], [warmup]) if warmup else after


def make_optimizer(
    recipe: Recipe,
    steps_per_epoch: int,
    head: frozenset[str] = frozenset(),
    groups: Mapping[str, int] = NO_GROUPS,
) -> optax.GradientTransformation:
    """The recipe's optimizer, decayed on kernels alone; all but `head` at `backbone_rate`.

    `head` holds the keys of the classifier's parameters, as "fc/kernel", and `groups` the groups of convolutions that
    have any, by the keys of their kernels: muon leaves the one to Adam, and takes each of the others by itself.
    """
    rate = learning_rate_schedule(recipe, steps_per_epoch)
    parts = [
        optax.clip_by_global_norm(recipe.clip_norm) if recipe.clip_norm else optax.identity(),
        _DIRECTIONS[recipe.optimizer](recipe, head, groups),
        optax.scale_by_learning_rate(rate),
    ]
    if recipe.backbone_rate != 1:
        # Updates are in proportion to the learning rate, the decay of weights included.
        parts.append(optax.masked(optax.scale(recipe.backbone_rate), all_but(head)))
    chosen = optax.chain(*parts)
    if recipe.accumulate == 1:
        return chosen
    return optax.MultiSteps(chosen, recipe.accumulate).gradient_transformation()


def all_but(head: frozenset[str]) -> Callable[[Any], Any]:
    """A mask: true for the leaves that are not of the head."""
    return lambda params: jax.tree.map_with_path(lambda place, leaf: key_of(place) not in head, params)


def kernels(params: Any) -> Any:
    """A mask: true for the leaves with more than one axis, not for biases and the scales of norms."""
    return jax.tree.map(lambda leaf: leaf.ndim > 1, params)


def _decay(recipe: Recipe) -> optax.GradientTransformation:
    return optax.add_decayed_weights(recipe.weight_decay, mask=kernels)


def _sgd(recipe: Recipe, head: frozenset[str], groups: Mapping[str, int]) -> optax.GradientTransformation:
    return optax.chain(_decay(recipe), optax.trace(recipe.momentum, nesterov=True))


def _adamw(recipe: Recipe, head: frozenset[str], groups: Mapping[str, int]) -> optax.GradientTransformation:
    return optax.chain(optax.scale_by_adam(), _decay(recipe))


def _lamb(recipe: Recipe, head: frozenset[str], groups: Mapping[str, int]) -> optax.GradientTransformation:
    # Biases begin at zero, and steps as long as they are would not leave it.
    as_long = optax.masked(optax.scale_by_trust_ratio(), kernels)
    return optax.chain(optax.scale_by_adam(eps=1e-6), _decay(recipe), as_long)


def _muon(recipe: Recipe, head: frozenset[str], groups: Mapping[str, int]) -> optax.GradientTransformation:
    return optax.chain(scale_by_muon(head, groups), _decay(recipe))


_DIRECTIONS = {"sgd": _sgd, "adamw": _adamw, "lamb": _lamb, "muon": _muon}
