"""Linear functions with a custom transpose. The backward pass computes that transpose; all else is JAX's.

A `custom_vjp` would be enough for the backward pass alone. A primitive also supports forward-mode differentiation
(`jax.jvp`, Hessian-vector products), `vmap` and higher derivatives.

Private interfaces: the only file of the zoo that defines a primitive. `jax.extend.core` and `jax.interpreters` come
without a promise of stability; they are the same in JAX 0.10.2 to 0.12. `jax.custom_derivatives.linear_call` would
replace this file once it can be differentiated in all its arguments and batched.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

linear_p = Primitive("linear_with_transpose")


def linear_with_transpose(
    forward: Callable[..., jax.Array], transposed: Callable[..., jax.Array], x: jax.Array, *constants: jax.Array
) -> jax.Array:
    """forward(x, *constants), which must be linear in x; its transpose is computed as transposed(y, *constants).

    Both functions must be hashable, for they become static parameters of the primitive. That each is the transpose of
    the other is not checked.
    """
    return linear_p.bind(*_vary_over_same_devices((x, *constants)), forward=forward, transposed=transposed)


def _vary_over_same_devices(operands: tuple) -> list[jax.Array]:
    """Under `shard_map`, mark all operands as varying over the same mesh axes.

    The gradient of an operand that is the same on all devices is then summed over them.
    """
    varying = [jax.typeof(operand).manual_axis_type.varying for operand in operands]
    union = frozenset().union(*varying)
    return [
        lax.pcast(operand, tuple(union - axes), to="varying") for operand, axes in zip(operands, varying, strict=True)
    ]


@dataclass(frozen=True)
class BatchedFunction:
    """A function over a new first axis of the arguments that are `mapped`. Hashable, unlike what `jax.vmap` returns."""

    function: Callable[..., jax.Array]
    mapped: tuple[bool, ...]

    def __call__(self, *operands: jax.Array) -> jax.Array:
        """The results, stacked along a new first axis."""
        return jax.vmap(self.function, in_axes=tuple(0 if mapped else None for mapped in self.mapped))(*operands)


def _evaluate(*operands: jax.Array, forward: Callable, transposed: Callable) -> jax.Array:
    return forward(*operands)


@linear_p.def_abstract_eval
def _abstract(*operands: Any, forward: Callable, transposed: Callable) -> Any:
    return jax.make_jaxpr(forward)(*operands).out_avals[0]


def _jvp(primals: tuple, tangents: tuple, *, forward: Callable, transposed: Callable) -> tuple:
    x, *constants = primals
    x_tangent, *constant_tangents = tangents
    terms = [
        _jvp_of_constant(forward, x, constants, index, tangent)
        for index, tangent in enumerate(constant_tangents)
        if not isinstance(tangent, ad.Zero)
    ]
    if not isinstance(x_tangent, ad.Zero):
        terms.append(linear_with_transpose(forward, transposed, x_tangent, *constants))
    return linear_with_transpose(forward, transposed, *primals), sum(terms)


def _jvp_of_constant(
    forward: Callable, x: jax.Array, constants: list[jax.Array], index: int, tangent: jax.Array
) -> jax.Array:
    """The derivative of the result along a tangent of one of the constants."""

    def of_constant(constant: jax.Array) -> jax.Array:
        return forward(x, *constants[:index], constant, *constants[index + 1 :])

    return jax.jvp(of_constant, (constants[index],), (tangent,))[1]


def _transpose(cotangent: Any, x: Any, *constants: Any, forward: Callable, transposed: Callable) -> list:
    no_cotangents: list = [None] * len(constants)
    if isinstance(cotangent, ad.Zero):
        return [ad.Zero(x.aval), *no_cotangents]
    return [linear_with_transpose(transposed, forward, cotangent, *constants), *no_cotangents]


def _batch(operands: tuple, axes: tuple, *, forward: Callable, transposed: Callable) -> tuple:
    mapped = tuple(axis is not None for axis in axes)
    arrays = [
        operand if axis is None else jnp.moveaxis(operand, axis, 0)
        for operand, axis in zip(operands, axes, strict=True)
    ]
    if not mapped[0]:
        # x must have the batch axis, so that the transpose has one result for each member of the batch.
        size = next(operand.shape[0] for operand, axis in zip(arrays, axes, strict=True) if axis is not None)
        arrays[0] = jnp.broadcast_to(arrays[0], (size, *arrays[0].shape))
        mapped = (True, *mapped[1:])
    return linear_with_transpose(BatchedFunction(forward, mapped), BatchedFunction(transposed, mapped), *arrays), 0


linear_p.def_impl(jax.jit(_evaluate, static_argnames=("forward", "transposed")))
ad.primitive_jvps[linear_p] = _jvp
ad.primitive_transposes[linear_p] = _transpose
batching.primitive_batchers[linear_p] = _batch
mlir.register_lowering(linear_p, mlir.lower_fun(_evaluate, multiple_results=False))
