"""Backward rules of activations: the only difference between gradient, deconvnet and guided backpropagation.

For ReLU with input x and incoming backward signal g, the outgoing signal is

- gradient: g * (x > 0), the derivative;
- deconvnet: max(g, 0) (Zeiler and Fergus 2013, arXiv:1311.2901, section 2.1);
- guided: max(g, 0) * (x > 0) (Springenberg et al. 2014, arXiv:1412.6806).

For any other activation, "gradient" is its own derivative times g, "deconvnet" is max(g, 0), and "guided" is its own
derivative times max(g, 0).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.errors import ZooError

Rule = Literal["deconvnet", "guided", "gradient"]
Activation = Callable[[jax.Array], jax.Array]


def with_rule(model: nn.Module, rule: Rule) -> nn.Module:
    """The same network with another backward rule at its activations; the forward pass is unchanged.

    The rule wraps the activation, or the tuple of activations, in the model's field `act`. Raises ZooError for an
    unknown rule, and for a network without that field unless the rule is "gradient".
    """
    if rule not in get_args(Rule):
        raise ZooError(f"unknown rule {rule!r}: choose from {', '.join(get_args(Rule))}")
    if rule == "gradient":
        return model
    act = getattr(model, "act", None)
    acts = act if isinstance(act, tuple) else (act,)
    if not all(callable(one) for one in acts):
        raise ZooError(
            f'{type(model).__name__} has no activation in a field "act": add the field, or use the rule "gradient"'
        )
    wrapped = tuple(ActivationWithRule(one, rule) for one in acts)
    return model.clone(act=wrapped if isinstance(act, tuple) else wrapped[0])


@dataclass(frozen=True)
class ActivationWithRule:
    """An activation with another backward rule."""

    act: Activation
    rule: Rule

    def __call__(self, x: jax.Array) -> jax.Array:
        """The activation, unchanged."""
        return _apply(self.act, self.rule, x)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _apply(act: Activation, rule: Rule, x: jax.Array) -> jax.Array:
    return act(x)


def _forward(act: Activation, rule: Rule, x: jax.Array) -> tuple[jax.Array, jax.Array | None]:
    return act(x), None if rule == "deconvnet" else x


def _backward(act: Activation, rule: Rule, x: jax.Array | None, signal: jax.Array) -> tuple[jax.Array]:
    rectified = jnp.maximum(signal, 0)
    return (rectified,) if rule == "deconvnet" else jax.vjp(act, x)[1](rectified)


_apply.defvjp(_forward, _backward)
