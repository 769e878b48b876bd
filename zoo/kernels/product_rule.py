"""The tangent of a function that is linear in each of its arguments, as a convolution is in images and kernel."""

import operator
from collections.abc import Callable
from functools import reduce

import jax
from jax.custom_derivatives import SymbolicZero

# The function of one argument, the others as they are; and the tangent of that argument.
Term = tuple[Callable[[jax.Array], jax.Array], jax.Array | SymbolicZero]


def product_rule(*terms: Term) -> jax.Array:
    """The sum over the arguments, without those of no tangent. Not all are: JAX asks for no tangent then.

    A sum that begins with zeros would keep them, an array as large as the output, for the backward pass.
    """
    return reduce(operator.add, (along(tangent) for along, tangent in terms if not isinstance(tangent, SymbolicZero)))
