"""One call of a Flax module on shapes, with a mark for every module call inside. Nothing is computed or allocated."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import flax
import flax.linen as nn
import jax
from jax.ad_checkpoint import checkpoint_name

from zoo.counting.graph import ModuleCall
from zoo.counting.marks import ModuleCallMark
from zoo.runtime import kept_traces


@dataclass(frozen=True)
class TracedCall:
    """The closed jaxpr of a call, whose arguments are the leaves of the variables and the input, and its module calls.

    `is_first_call`: it is the call of `init`, since the module refuses another one with the same input.
    """

    jaxpr: Any
    module_calls: tuple[ModuleCall, ...]
    is_first_call: bool = False


def init_shapes(model: nn.Module, example: jax.ShapeDtypeStruct, keywords: Mapping[str, Any]) -> Any:
    """The shapes of the variables that `model.init` makes. Its one key serves all random streams, as in Flax."""
    if not keywords:
        return kept_traces.init_shapes(model, example)

    def call(module: nn.Module, x: jax.Array) -> Any:
        return module(x, **keywords)

    return kept_traces.trace_init(model, example, call)


def trace_call(
    model: nn.Module, example: jax.ShapeDtypeStruct, keywords: Mapping[str, Any], variables: Any
) -> TracedCall:
    """A call with these variables that may draw random numbers: what `init` takes, it takes.

    A plain call is tried first, then one that may update state, as batch statistics. Some modules refuse both for an
    input that `init` took, as attention with a cache, which is made for a sequence and is then called with single
    tokens. Of these the call of `init` is traced.
    """

    def rngs() -> dict[str, jax.Array]:
        return {name: jax.random.key(0) for name in ("params", kept_traces.new_trace_name())}

    def call(module: nn.Module, x: jax.Array) -> Any:
        return module(x, **keywords)

    def plain(variables: Any, x: jax.Array) -> list[jax.Array]:
        return _arrays(model.apply(variables, x, rngs=rngs(), method=call))

    def updating(variables: Any, x: jax.Array) -> list[jax.Array]:
        return _arrays(model.apply(variables, x, rngs=rngs(), mutable=nn.DenyList("params"), method=call)[0])

    def first_call(variables: Any, x: jax.Array) -> list[jax.Array]:
        known = {name: variables[name] for name in ("params", "batch_stats") if name in variables}
        run = flax.core.apply(lambda scope: call(model.clone(parent=scope), x), True, flags={"initializing": True})
        return _arrays(run(known, rngs=rngs())[0])

    errors = []
    for function in (plain, updating, first_call):
        try:
            jaxpr, module_calls = marked_jaxpr(function, variables, example)
        except Exception as error:  # A user's module may raise anything.
            errors.append(error)
        else:
            return TracedCall(jaxpr, module_calls, is_first_call=function is first_call)
    raise errors[1]


def marked_jaxpr(function: Callable, *arguments: Any) -> tuple[Any, tuple[ModuleCall, ...]]:
    """The closed jaxpr of a function and the module calls in it, whose marks are on the name stack."""
    calls: list[ModuleCall] = []

    def mark_call(run: Callable, args: tuple, kwargs: dict, context: Any) -> Any:
        if context.module.scope is None:
            return run(*args, **kwargs)
        cls = type(context.module)
        definitions = {base.__module__ for base in cls.__mro__} - {nn.Module.__module__}
        is_flax_layer = any(name.startswith("flax.linen") for name in definitions)
        calls.append(ModuleCall(context.module.path, cls.__name__, is_flax_layer))
        with jax.named_scope(ModuleCallMark(len(calls) - 1)):
            output = run(*args, **kwargs)
            # A layer that returns its input (dropout in inference) would have no equation, and so no row.
            if context.method_name == "__call__" and args and output is args[0] and isinstance(output, jax.Array):
                output = checkpoint_name(output, "identity")
        return output

    def function_of_this_call(*arguments: Any) -> Any:
        # JAX keeps the trace of a function that it knows: modules would not be called, nor counted, a second time.
        return function(*arguments)

    with nn.override_named_call(False), nn.intercept_methods(mark_call):
        closed = jax.make_jaxpr(function_of_this_call)(*arguments)
    return closed, tuple(calls)


def _arrays(output: Any) -> list[jax.Array]:
    """The arrays of a module's output, which may be any tree, and may have other leaves."""
    return [leaf for leaf in jax.tree.leaves(output) if isinstance(leaf, jax.Array)]
