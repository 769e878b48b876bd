"""A network's activations with their names: which module's output each one is, found while the network is traced."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.inference.features import apply_and_capture
from zoo.models.variables import Variables

# An activation function can be off if it gives less than NEARLY_ZERO for this input: ReLU, GELU and SiLU do, tanh not.
FAR_BELOW_ZERO, NEARLY_ZERO = -10.0, 1e-2

Activation = Callable[[jax.Array], jax.Array]
Path = tuple[str, ...]
ACTIVATIONS = "zoo.activations"  # a collection


class Found(NamedTuple):
    """A call of an activation function: where its output is stored, and what it was called with while traced."""

    caller: Path
    key: str
    input: jax.Array
    output: jax.Array


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
    found: list[Found] = []
    call_stack: list[nn.Module] = []
    module_outputs: dict[int, tuple[Path, jax.Array]] = {}

    def intercept(call: Callable, args: tuple, kwargs: dict, context: nn.module.InterceptorContext):
        call_stack.append(context.module)
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
            y, caller, key = act(x), call_stack[-1], f"call {len(found)}"
            # Inside of `nn.remat` and `nn.jit` a value leaves the network through a collection only; not out of
            # `nn.scan` and `nn.vmap`.
            if caller.sow(ACTIVATIONS, key, y):
                found.append(Found(caller.path, key, x, y))
            return y

        return record

    with nn.intercept_methods(intercept):
        applied = apply_and_capture(_with_act(model, recorded), variables, images, layers, mutable=[ACTIVATIONS])
    outputs = {layer: applied.outputs[layer] for layer in layers}
    return NetworkOutputs(applied.logits, outputs, _named(found, module_outputs, applied.collections))


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
    found: list[Found], module_outputs: Mapping[int, tuple[Path, jax.Array]], collections: Mapping[str, Any]
) -> OrderedDict[str, jax.Array]:
    named: OrderedDict[str, jax.Array] = OrderedDict()
    for one in found:
        pair = (module_outputs.get(id(value)) for value in (one.output, one.input))
        path = next((owner[0] for owner in pair if owner), one.caller)
        name = "/".join(path) or "the output"
        earlier = sum(other.partition(" ")[0] == name for other in named)
        stored = collections[ACTIVATIONS]
        for part in (*one.caller, one.key):
            stored = stored[part]
        named[f"{name} ({earlier + 1})" if earlier else name] = stored[0]
    return named
