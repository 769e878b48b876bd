"""The state of a training run: its arrays, and the static fields that decide what a step does with them."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn
from flax import struct

from zoo.training.config.recipe import Recipe
from zoo.training.finetune.freezing import partition
from zoo.training.plateau import first_plateau, metric_of, next_plateau

DEFAULT_RECIPE = Recipe()


class TrainState(struct.PyTreeNode):
    """The state of a run.

    `average` is the exponential moving average of the variables, {"params", "batch_stats"}, or {} without one, and
    `plateau` is what the schedule of this name keeps (`zoo.training.plateau`), {} for the others. `mean`
    and `std` are per channel, for pixels in 0..1; `frozen` are the keys of parameters that do not change;
    `class_weights` has the weight of each class in the loss, () for equal ones.
    """

    step: jax.Array
    key: jax.Array
    params: Any
    batch_stats: Any
    opt_state: optax.OptState
    average: Any
    plateau: Any
    model: nn.Module = struct.field(pytree_node=False)
    optimizer: optax.GradientTransformation = struct.field(pytree_node=False)
    recipe: Recipe = struct.field(pytree_node=False)
    mean: tuple[float, ...] = struct.field(pytree_node=False)
    std: tuple[float, ...] = struct.field(pytree_node=False)
    frozen: frozenset[str] = struct.field(pytree_node=False)
    class_weights: tuple[float, ...] = struct.field(pytree_node=False, default=())

    def __repr__(self) -> str:
        # In a transformation the leaves may be anything.
        parameters = sum(getattr(leaf, "size", 1) for leaf in jax.tree.leaves(self.params))
        return f"TrainState({type(self.model).__name__}, step {self.step}, {parameters:,} parameters)"

    @property
    def variables(self) -> dict[str, Any]:
        """{"params", "batch_stats"}, as they are trained."""
        return {"params": self.params, "batch_stats": self.batch_stats}

    @property
    def eval_variables(self) -> dict[str, Any]:
        """The variables to evaluate, which are the run's result: their exponential moving average, if there is one."""
        return self.average or self.variables

    @property
    def rate_scale(self) -> float:
        """What the learning rate of the schedule is multiplied by: 1, but for the schedule "plateau"."""
        return float(self.plateau["scale"]) if self.plateau else 1.0

    def after_evaluation(self, evaluation: Mapping[str, float | None]) -> "TrainState":
        """The state with the learning rate that follows from {"test_loss", "test_accuracy"} at the end of an epoch.

        A number that is None, or not finite, is no improvement. It is the same state, but for the schedule "plateau".
        """
        if not self.plateau:
            return self
        following = next_plateau(jax.device_get(self.plateau), metric_of(evaluation, self.recipe), self.recipe)
        # The step is compiled for the shardings of the state.
        placed = {name: jax.device_put(following[name], leaf.sharding) for name, leaf in self.plateau.items()}
        return self.replace(plateau=placed)


def create_state(
    model: nn.Module,
    optimizer: optax.GradientTransformation,
    variables: Mapping[str, Any],
    key: jax.Array,
    *,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    recipe: Recipe = DEFAULT_RECIPE,
    frozen: frozenset[str] = frozenset(),
    class_weights: tuple[float, ...] = (),
) -> TrainState:
    """The state before the first step, with `variables` as they are before it.

    `key` is used for dropout and augmentation. `mean` and `std` are per channel, for pixels in 0..1. `frozen` are the
    keys of the parameters that do not change, such as "conv1/conv/kernel". `class_weights` has the weight of each class
    in the loss, such as `balanced_weights` of the counts; () for equal ones. Of the `recipe` a step uses the losses,
    the augmentation, the exponential moving average and the schedule "plateau".
    """
    start = {"params": variables["params"], "batch_stats": variables.get("batch_stats", {})}
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        key=key,
        **start,
        average=jax.tree.map(jnp.copy, start) if recipe.ema else {},
        plateau=first_plateau(recipe),
        opt_state=optimizer.init(partition(variables["params"], frozen)[0]),
        model=model,
        optimizer=optimizer,
        recipe=recipe,
        mean=mean,
        std=std,
        frozen=frozen,
        class_weights=class_weights,
    )
