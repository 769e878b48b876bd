"""The optimizer that a recipe asks for."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import jax
import optax

from zoo.training.config.recipe import Recipe
from zoo.training.learning_rate import learning_rate_schedule
from zoo.training.muon import scale_by_muon
from zoo.weights.files import key_of

NO_GROUPS: Mapping[str, int] = MappingProxyType({})


def make_optimizer(
    recipe: Recipe,
    steps_per_epoch: int,
    head: frozenset[str] = frozenset(),
    groups: Mapping[str, int] = NO_GROUPS,
) -> optax.GradientTransformation:
    """The recipe's optimizer, with weight decay on kernels only, and `backbone_rate` on all parameters but the head.

    `head` has the keys of the head's parameters, such as "fc/kernel", and `groups` the number of groups of grouped
    convolutions by the key of their kernel. Muon uses both: Adam for the head, and one matrix per group. Its update
    takes the run's clock, `count_updates` of the step, as the extra argument `clock`; without it the schedule counts
    the optimizer's own updates. The means of Adam, LAMB and Muon always count the gradients that they have seen.
    """
    rate = learning_rate_schedule(recipe, steps_per_epoch)
    parts = [
        optax.clip_by_global_norm(recipe.clip_norm) if recipe.clip_norm else optax.identity(),
        _DIRECTIONS[recipe.optimizer](recipe, head, groups),
        scale_by_schedule(rate),
    ]
    if recipe.backbone_rate != 1:
        # Updates are proportional to the learning rate, including weight decay.
        parts.append(optax.masked(optax.scale(recipe.backbone_rate), all_but(head)))
    chosen = optax.chain(*parts)
    if recipe.accumulate == 1:
        return chosen
    steps = optax.MultiSteps(chosen, recipe.accumulate)
    return optax.GradientTransformationExtraArgs(steps.init, steps.update)


def scale_by_schedule(rate: optax.Schedule) -> optax.GradientTransformationExtraArgs:
    """optax.scale_by_learning_rate at the extra argument `clock`, or without it at the count of its own updates."""
    inner = optax.scale_by_learning_rate(rate)

    def update(updates: Any, state: Any, params: Any = None, *, clock: jax.Array | None = None, **_: Any) -> Any:
        return inner.update(updates, state if clock is None else optax.ScaleByScheduleState(clock), params)

    return optax.GradientTransformationExtraArgs(inner.init, update)


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
