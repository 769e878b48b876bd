"""The optimizer that a recipe asks for."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import jax
import optax

from zoo.errors import ZooError
from zoo.training.config.recipe import Recipe
from zoo.training.finetune.layer_decay import scale_by_layer
from zoo.training.learning_rate import learning_rate_schedule
from zoo.training.muon import scale_by_muon
from zoo.weights.files import key_of

NONE: Mapping[str, int] = MappingProxyType({})
# TensorFlow's default, and that of Inception's, MobileNet's and EfficientNet's programs.
RMS_DECAY = 0.9


def make_optimizer(
    recipe: Recipe,
    steps_per_epoch: int,
    head: frozenset[str] = frozenset(),
    groups: Mapping[str, int] = NONE,
    distances: Mapping[str, int] = NONE,
) -> optax.GradientTransformation:
    """The recipe's optimizer, with `backbone_rate` on all parameters but the head.

    Weight decay is on kernels only, or with `decay_norms` on all parameters. `head` has the keys of the head's
    parameters, such as "fc/kernel", and `groups` the number of groups of grouped convolutions by the key of their
    kernel. Muon uses both: Adam for the head, and one matrix per group. Adaptive clipping leaves the head alone.
    `distances` are `layer_distances` of the network: ZooError is raised where `layer_decay` has none. The optimizer's
    update takes the run's clock, `count_updates` of the step, as the extra argument `clock`; without it the schedule
    counts the optimizer's own updates. The schedule "plateau" is multiplied by the extra argument `rate_scale`. The
    means of Adam, LAMB and Muon always count the gradients that they have seen.
    """
    rate = learning_rate_schedule(recipe, steps_per_epoch)
    parts = [
        optax.clip_by_global_norm(recipe.clip_norm) if recipe.clip_norm else optax.identity(),
        clip_adaptively(recipe.clip_adaptive, head) if recipe.clip_adaptive else optax.identity(),
        _DIRECTIONS[recipe.optimizer](recipe, head, groups),
        scale_by_schedule(rate),
    ]
    if recipe.optimizer == "rmsprop":
        # In TensorFlow's momentum each gradient has the learning rate of its own update, in torch's that of the last.
        parts.append(optax.trace(recipe.momentum))
    if recipe.layer_decay != 1:
        if not distances:
            raise ZooError("layer_decay needs the layers: give distances=layer_distances(network)")
        parts.append(scale_by_layer(recipe.layer_decay, distances))
    if recipe.backbone_rate != 1:
        # Updates are proportional to the learning rate, including weight decay.
        parts.append(optax.masked(optax.scale(recipe.backbone_rate), all_but(head)))
    chosen = optax.chain(*parts)
    if recipe.accumulate == 1:
        return chosen
    steps = optax.MultiSteps(chosen, recipe.accumulate)
    return optax.GradientTransformationExtraArgs(steps.init, steps.update)


def clip_adaptively(share: float, head: frozenset[str]) -> optax.GradientTransformation:
    """Scales the gradient of each unit, outside of the head, down to `share` of the norm of its parameters.

    Brock et al. 2021, arXiv:2102.06171, section 4 and equation 3. A unit is one output of a kernel, or a whole bias or
    scale; parameters with a norm below 1e-3 count as that, so that those that begin with zero can change.
    """
    clip = optax.adaptive_grad_clip(share, eps=1e-3)

    def clipped(updates: Any, params: Any) -> Any:
        smaller, _ = clip.update(updates, optax.EmptyState(), params)
        return jax.tree.map(lambda inside, new, old: new if inside else old, all_but(head)(params), smaller, updates)

    return optax.stateless(clipped)


def scale_by_schedule(rate: optax.Schedule) -> optax.GradientTransformationExtraArgs:
    """optax.scale_by_learning_rate at the extra argument `clock`, or without it at the count of its own updates.

    With the extra argument `rate_scale` the rate is multiplied by it.
    """
    inner = optax.scale_by_learning_rate(rate)

    def update(
        updates: Any,
        state: Any,
        params: Any = None,
        *,
        clock: jax.Array | None = None,
        rate_scale: jax.Array | None = None,
        **_: Any,
    ) -> Any:
        scaled = inner if rate_scale is None else optax.scale_by_learning_rate(lambda count: rate(count) * rate_scale)
        return scaled.update(updates, state if clock is None else optax.ScaleByScheduleState(clock), params)

    return optax.GradientTransformationExtraArgs(inner.init, update)


def all_but(head: frozenset[str]) -> Callable[[Any], Any]:
    """A mask: true for the leaves that are not in the head."""
    return lambda params: jax.tree.map_with_path(lambda path, leaf: key_of(path) not in head, params)


def kernel_mask(params: Any) -> Any:
    """A mask: true for leaves with more than one axis, which are neither biases nor scales of norms."""
    return jax.tree.map(lambda leaf: leaf.ndim > 1, params)


def _decay(recipe: Recipe) -> optax.GradientTransformation:
    return optax.add_decayed_weights(recipe.weight_decay, mask=None if recipe.decay_norms else kernel_mask)


def _sgd(recipe: Recipe, head: frozenset[str], groups: Mapping[str, int]) -> optax.GradientTransformation:
    return optax.chain(_decay(recipe), optax.trace(recipe.momentum, nesterov=recipe.nesterov))


def _rmsprop(recipe: Recipe, head: frozenset[str], groups: Mapping[str, int]) -> optax.GradientTransformation:
    # As tf.train.RMSPropOptimizer: the mean square starts at 1, and epsilon is inside the root. Momentum comes later.
    scale = optax.scale_by_rms(RMS_DECAY, recipe.rms_epsilon, initial_scale=1.0, eps_in_sqrt=True)
    return optax.chain(_decay(recipe), scale)


def _adamw(recipe: Recipe, head: frozenset[str], groups: Mapping[str, int]) -> optax.GradientTransformation:
    return optax.chain(optax.scale_by_adam(), _decay(recipe))


def _lamb(recipe: Recipe, head: frozenset[str], groups: Mapping[str, int]) -> optax.GradientTransformation:
    # Biases start at zero, where the trust ratio would keep them.
    trust_ratio = optax.masked(optax.scale_by_trust_ratio(), kernel_mask)
    return optax.chain(optax.scale_by_adam(eps=1e-6), _decay(recipe), trust_ratio)


def _muon(recipe: Recipe, head: frozenset[str], groups: Mapping[str, int]) -> optax.GradientTransformation:
    return optax.chain(scale_by_muon(head, groups), _decay(recipe))


_DIRECTIONS = {"sgd": _sgd, "adamw": _adamw, "lamb": _lamb, "muon": _muon, "rmsprop": _rmsprop}
