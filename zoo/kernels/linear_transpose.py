"""Linear functions that bring their own transpose: the backward pass computes that, and all else JAX knows how to do.

A `custom_vjp` would do for the backward pass alone; with a primitive, forward-mode differentiation (`jax.jvp`,
Hessian-vector products) works too, and so do `vmap` and derivatives of derivatives.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

linear_p = Primitive("linear")


def linear(forward: Callable, transposed: Callable, x: jax.Array, *constants: jax.Array) -> jax.Array:
    """forward(x, *constants), linear in x; its transpose is computed as transposed(y, *constants).

    The two must be each other's transpose, and hashable.
    """
    return linear_p.bind(*_alike_over_devices((x, *constants)), forward=forward, transposed=transposed)


def _alike_over_devices(given: tuple) -> list[jax.Array]:
    """Under `shard_map`, what is the same on all devices beside what is not: its gradient is a sum over them."""
    varying = [jax.typeof(one).manual_axis_type.varying for one in given]
    everywhere = frozenset().union(*varying)
    return [lax.pcast(one, tuple(everywhere - own), to="varying") for one, own in zip(given, varying, strict=True)]


@dataclass(frozen=True)
class Vmapped:
    """A function over a new first axis of the arguments that are `mapped`."""

    function: Callable
    mapped: tuple[bool, ...]

    def __call__(self, *given: jax.Array) -> jax.Array:
        """The results, along a new first axis."""
        return jax.vmap(self.function, in_axes=tuple(0 if mapped else None for mapped in self.mapped))(*given)


def _run(*given: jax.Array, forward: Callable, transposed: Callable) -> jax.Array:
    return forward(*given)


@linear_p.def_abstract_eval
def _abstract(*given: Any, forward: Callable, transposed: Callable) -> Any:
    return jax.make_jaxpr(forward)(*given).out_avals[0]


def _jvp(primals: tuple, tangents: tuple, *, forward: Callable, transposed: Callable) -> tuple:
    x, *constants = primals
    x_tangent, *of_constants = tangents
    moved = [
        _along(forward, x, constants, place, tangent)
        for place, tangent in enumerate(of_constants)
        if not isinstance(tangent, ad.Zero)
    ]
    if not isinstance(x_tangent, ad.Zero):
        moved.append(linear(forward, transposed, x_tangent, *constants))
    return linear(forward, transposed, *primals), sum(moved)


def _along(forward: Callable, x: jax.Array, constants: list[jax.Array], place: int, tangent: jax.Array) -> jax.Array:
    """How the result changes as one of the constants does."""

    def of_one(constant: jax.Array) -> jax.Array:
        return forward(x, *constants[:place], constant, *constants[place + 1 :])

    return jax.jvp(of_one, (constants[place],), (tangent,))[1]


def _transpose(cotangent: Any, x: Any, *constants: Any, forward: Callable, transposed: Callable) -> list:
    nothing: list = [None] * len(constants)
    if isinstance(cotangent, ad.Zero):
        return [ad.Zero(x.aval), *nothing]
    return [linear(transposed, forward, cotangent, *constants), *nothing]


def _batch(given: tuple, axes: tuple, *, forward: Callable, transposed: Callable) -> tuple:
    mapped = tuple(axis is not None for axis in axes)
    given = [jnp.moveaxis(one, axis, 0) if own else one for one, axis, own in zip(given, axes, mapped, strict=True)]
    if not mapped[0]:
        # What is linear must be mapped, for its transpose to be a function of as many.
        count = next(one.shape[0] for one, own in zip(given, mapped, strict=True) if own)
        given[0] = jnp.broadcast_to(given[0], (count, *given[0].shape))
        mapped = (True, *mapped[1:])
    return linear(Vmapped(forward, mapped), Vmapped(transposed, mapped), *given), 0


linear_p.def_impl(jax.jit(_run, static_argnames=("forward", "transposed")))
ad.primitive_jvps[linear_p] = _jvp
ad.primitive_transposes[linear_p] = _transpose
batching.primitive_batchers[linear_p] = _batch
mlir.register_lowering(linear_p, mlir.lower_fun(_run, multiple_results=False))
