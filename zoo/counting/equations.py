"""What an equation of a jaxpr says: the primitive with its shapes, the jaxpr that it calls, and its cost by XLA.

Private interfaces: this file and `trace` are the only ones of the zoo that read jaxprs, whose contents JAX does not
promise to keep (`jax.extend.core`, the parameters of equations, name stacks, tracebacks). Read in the same way with JAX
0.10.2 to 0.12. If they change: `jax.export` gives the same operations as StableHLO, a stable format, with the name
stack as locations.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax

from zoo.counting.constants import Known
from zoo.counting.graph import Operation, Variable
from zoo.counting.primitives import PATCHES, TRANSPOSED, PrimitiveCall

# Primitives that only call another jaxpr, with the name of the parameter that holds it.
CALL_PRIMITIVES = {
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "closed_call": "call_jaxpr",
    "core_call": "call_jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
    "custom_vjp_call_jaxpr": "fun_jaxpr",
    "custom_vmap_call": "call",
    "remat2": "jaxpr",
    "checkpoint": "jaxpr",
    "composite": "jaxpr",
}

# A convolution's own frames, from the innermost on: the binding of the primitive, then the functions of `jax.lax`.
MAX_CALLER_DEPTH = 12


@dataclass(frozen=True)
class TracedValue:
    """A traced array: its number if it depends on the input, and the variables that it is computed from.

    `known` can compute it if it does not depend on the input.
    """

    data: int | None = None
    variables: frozenset[Variable] = frozenset()
    known: Known | None = None


def primitive_call(eqn: Any, inputs: Sequence[TracedValue]) -> PrimitiveCall:
    """The primitive of an equation with these inputs."""
    return PrimitiveCall(
        eqn.primitive.name,
        eqn.params,
        tuple(tuple(getattr(atom.aval, "shape", ())) for atom in eqn.invars),
        tuple(tuple(getattr(out.aval, "shape", ())) for out in eqn.outvars),
        is_weight=tuple(value.data is None and bool(value.variables) for value in inputs),
        known=tuple(value.known for value in inputs),
        caller=_caller(eqn) if eqn.primitive.name == "conv_general_dilated" else "",
    )


def _caller(eqn: Any) -> str:
    """The function of `jax.lax` that calls a convolution, if it computes something else by it; "" for others.

    A transposed convolution of stride 1 and the extraction of patches leave no other trace in a jaxpr.
    """
    frames = eqn.source_info.traceback.frames[:MAX_CALLER_DEPTH] if eqn.source_info.traceback else ()
    for frame in frames:
        if frame.function_name in (TRANSPOSED, PATCHES) and "/jax/_src/lax/" in frame.file_name.replace("\\", "/"):
            return frame.function_name
    return ""


def open_jaxpr(jaxpr: Any) -> Any:
    """The jaxpr without its constants, whether it is closed or not."""
    return getattr(jaxpr, "jaxpr", jaxpr)


def function_name(jaxpr: Any) -> str:
    """The name of the function that was traced; "" if it is not known."""
    return getattr(getattr(jaxpr, "debug_info", None), "func_name", "")


def xla_flops(operation: Operation) -> float | None:
    """FLOPs by XLA's cost analysis of one operation, which is lowered alone and not run; None if XLA gives none."""
    eqn: Any = operation.equation
    if eqn is None:
        return 0.0
    arguments = [jax.ShapeDtypeStruct(atom.aval.shape, atom.aval.dtype) for atom in eqn.invars]
    lowered = jax.jit(lambda *args: eqn.primitive.bind(*args, **eqn.params)).lower(*arguments)
    analysis = lowered.cost_analysis() or {}
    return analysis.get("flops")
