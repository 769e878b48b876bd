"""Which units of a network ever do anything: what its activations give, found by name while it is traced."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from zoo.inference.features import logits_and_outputs
from zoo.models.variables import Variables

# An activation is off where it is given this, if it gives less than that: so are ReLU, GELU and SiLU, and tanh is not.
FAR_BELOW, NOTHING = -10.0, 1e-2

Activation = Callable[[jax.Array], jax.Array]
Path = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Activity:
    """Of each unit of a layer, int [units], on how many images its activation is above zero somewhere."""

    layer: str
    active: np.ndarray

    @property
    def units(self) -> int:
        """How many there are."""
        return len(self.active)

    @property
    def dead(self) -> list[int]:
        """Those that were never active."""
        return np.flatnonzero(self.active == 0).tolist()


@dataclass(frozen=True)
class Followed:
    """What a network gives for images: its logits, the outputs of modules, and those of its activations, by name."""

    logits: jax.Array
    outputs: Mapping[str, jax.Array]
    activations: Mapping[str, jax.Array]


def followed(model: nn.Module, variables: Variables, images: jax.Array, layers: Sequence[str] = ()) -> Followed:
    """To be called within `jax.jit`: the network, with the outputs of `layers` and of all that its field `act` holds.

    An activation has the name of the module that gives its output, as "conv1"; else of that whose output it takes, as
    "f6" of a dense layer; else of the module that calls it. Activations that are never off, as tanh, are left out.
    """
    found: list[tuple[Path, jax.Array, jax.Array]] = []
    calling: list[Path] = []
    given: dict[int, tuple[Path, jax.Array]] = {}

    def follow(call: Callable, args: tuple, kwargs: dict, context: nn.module.InterceptorContext):
        calling.append(context.module.path)
        try:
            output = call(*args, **kwargs)
        finally:
            calling.pop()
        # Dropout gives at inference what it takes. The output is kept, or another could get its id.
        if isinstance(output, jax.Array) and all(output is not arg for arg in args):
            given.setdefault(id(output), (context.module.path, output))
        return output

    def noted(act: Activation) -> Activation:
        if not _turns_off(act):
            return act

        def note(x: jax.Array) -> jax.Array:
            y = act(x)
            found.append((calling[-1], x, y))
            return y

        return note

    with nn.intercept_methods(follow):
        logits, outputs = logits_and_outputs(_with_act(model, noted), variables, images, layers)
    return Followed(logits, outputs, _named(found, given))


def _turns_off(act: Activation) -> bool:
    with jax.ensure_compile_time_eval():
        return abs(float(act(jnp.array(FAR_BELOW)))) < NOTHING


def _with_act(model: nn.Module, noted: Callable[[Activation], Activation]) -> nn.Module:
    act = getattr(model, "act", None)
    if isinstance(act, tuple):
        return model.clone(act=tuple(map(noted, act)))
    return model.clone(act=noted(act)) if callable(act) else model


def _named(found: list[tuple[Path, jax.Array, jax.Array]], given: Mapping[int, tuple[Path, jax.Array]]):
    named: OrderedDict[str, jax.Array] = OrderedDict()
    for caller, x, y in found:
        path = next((given[id(value)][0] for value in (y, x) if id(value) in given), caller)
        name = "/".join(path) or "the output"
        again = sum(other.partition(" ")[0] == name for other in named)
        named[f"{name} ({again + 1})" if again else name] = y
    return named
