"""A function without what its results do not need: of a layer's features, the layers behind it and their weights."""

from collections.abc import Callable
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Literal, jaxpr_as_fun


def needed_computation(function: Callable[[Any], dict[str, jax.Array]], images: Any) -> Callable:
    """The function for images of this shape and type, of which sizes may be symbolic."""
    closed, outputs = jax.make_jaxpr(function, return_shape=True)(images)
    needed = jaxpr_as_fun(without_unused(closed))
    structure = jax.tree.structure(outputs)

    def called(images: Any) -> dict[str, jax.Array]:
        return jax.tree.unflatten(structure, needed(images))

    return called


def without_unused(closed: ClosedJaxpr) -> ClosedJaxpr:
    """The jaxpr without the equations that none of its results needs."""
    used, kept = {id(atom) for atom in closed.jaxpr.outvars}, []
    for equation in reversed(closed.jaxpr.eqns):
        if equation.effects or any(id(out) in used for out in equation.outvars):
            kept.append(equation)
            used |= {id(atom) for atom in equation.invars if not isinstance(atom, Literal)}
    return ClosedJaxpr(closed.jaxpr.replace(eqns=kept[::-1]), closed.consts)
