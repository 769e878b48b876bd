"""A network's activations with their names: which module's output each one is, found while the network is traced."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.inference.features import logits_and_outputs
from zoo.models.variables import Variables

# An activation function can be off if it gives less than NEARLY_ZERO for this input: ReLU, GELU and SiLU do, tanh not.
FAR_BELOW_ZERO, NEARLY_ZERO = -10.0, 1e-2

Activation = Callable[[jax.Array], jax.Array]
Path = tuple[str, ...]


@dataclass(frozen=True)
class NetworkOutputs:
    """The logits of a network, the outputs of some modules, and those of its activation functions, by name."""

    logits: jax.Array
    outputs: Mapping[str, jax.Array]
    activations: Mapping[str, jax.Array]


def apply_with_activations(
    model: nn.Module, variables: Variables, images: jax.Array, layers: Sequence[str] = ()
) -> NetworkOutputs:
    """The network applied to images, with the outputs of `layers` and of every call of its field `act`.

    It must be called inside `jax.jit`. An activation has the name of the module that returns its output, such as
    "conv1"; otherwise of the module whose output is its input, such as "f6" for a dense layer; otherwise of the module
    that calls it. Activation functions that are never off, such as tanh, are left out.
    """
    found: list[tuple[Path, jax.Array, jax.Array]] = []
    call_stack: list[Path] = []
    module_outputs: dict[int, tuple[Path, jax.Array]] = {}

    def intercept(call: Callable, args: tuple, kwargs: dict, context: nn.module.InterceptorContext):
        call_stack.append(context.module.path)
        try:
            output = call(*args, **kwargs)
        finally:
            call_stack.pop()
        # Dropout returns its input at inference. The output is kept alive, as another array could get its id.
        if isinstance(output, jax.Array) and all(output is not arg for arg in args):
            module_outputs.setdefault(id(output), (context.module.path, output))
        return output

    def recorded(act: Activation) -> Activation:
        if not _can_be_off(act):
            return act

        def record(x: jax.Array) -> jax.Array:
            y = act(x)
            found.append((call_stack[-1], x, y))
            return y

        return record

    with nn.intercept_methods(intercept):
        logits, outputs = logits_and_outputs(_with_act(model, recorded), variables, images, layers)
    return NetworkOutputs(logits, outputs, _named(found, module_outputs))


def _can_be_off(act: Activation) -> bool:
    with jax.ensure_compile_time_eval():
        return abs(float(act(jnp.array(FAR_BELOW_ZERO)))) < NEARLY_ZERO


def _with_act(model: nn.Module, change: Callable[[Activation], Activation]) -> nn.Module:
    """The model with its activation function, or functions, changed."""
    act = getattr(model, "act", None)
    if isinstance(act, tuple):
        return model.clone(act=tuple(map(change, act)))
    return model.clone(act=change(act)) if callable(act) else model


def _named(
    found: list[tuple[Path, jax.Array, jax.Array]], module_outputs: Mapping[int, tuple[Path, jax.Array]]
) -> OrderedDict[str, jax.Array]:
    named: OrderedDict[str, jax.Array] = OrderedDict()
    for caller, x, y in found:
        path = next((module_outputs[id(value)][0] for value in (y, x) if id(value) in module_outputs), caller)
        name = "/".join(path) or "the output"
        earlier = sum(other.partition(" ")[0] == name for other in named)
        named[f"{name} ({earlier + 1})" if earlier else name] = y
    return named
