"""How a signal passes an activation on its way down to the pixels: the only difference between the methods.

For ReLU, x its input and g the signal that comes down to it, the rules are

- gradient: g * (x > 0), the derivative;
- deconvnet: max(g, 0), what Zeiler and Fergus 2013 (arXiv:1311.2901, section 2.1) put in its place;
- guided: max(g, 0) * (x > 0), both (Springenberg et al. 2014, arXiv:1412.6806).

For any other activation: gradient is its own, deconvnet the same max(g, 0), as the method wants signals downward that
are positive features again, and guided the activation's own gradient of max(g, 0), which for ReLU is the line above.
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
    """The same network, whose activations pass signals down by the rule; its forward pass is unchanged.

    The rule wraps what the field `act` holds: an activation, or a tuple of them. Raises ZooError for an unknown rule,
    and for a network without that field unless the rule is "gradient".
    """
    if rule not in get_args(Rule):
        raise ZooError(f"unknown rule {rule!r}: it is one of {', '.join(get_args(Rule))}")
    if rule == "gradient":
        return model
    act = getattr(model, "act", None)
    acts = act if isinstance(act, tuple) else (act,)
    if not all(callable(one) for one in acts):
        raise ZooError(
            f'{type(model).__name__} has no activation in a field "act" to swap: give it one, or take "gradient"'
        )
    ruled = tuple(Ruled(one, rule) for one in acts)
    return model.clone(act=ruled if isinstance(act, tuple) else ruled[0])


@dataclass(frozen=True)
class Ruled:
    """An activation with another way down."""

    act: Activation
    rule: Rule

    def __call__(self, x: jax.Array) -> jax.Array:
        """The activation itself."""
        return _ruled(self.act, self.rule, x)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _ruled(act: Activation, rule: Rule, x: jax.Array) -> jax.Array:
    return act(x)


def _forward(act: Activation, rule: Rule, x: jax.Array) -> tuple[jax.Array, jax.Array | None]:
    return act(x), None if rule == "deconvnet" else x


def _backward(act: Activation, rule: Rule, x: jax.Array | None, signal: jax.Array) -> tuple[jax.Array]:
    rectified = jnp.maximum(signal, 0)
    return (rectified,) if rule == "deconvnet" else jax.vjp(act, x)[1](rectified)


_ruled.defvjp(_forward, _backward)
