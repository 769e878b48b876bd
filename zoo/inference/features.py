"""Activations of a network's layers, by name."""

from collections.abc import Mapping, Sequence
from typing import Any

import flax.linen as nn
import jax

from zoo.errors import ZooError, suggestion
from zoo.models.variables import Variables


def features(model: nn.Module, variables: Variables, x: jax.Array, names: Sequence[str]) -> dict[str, jax.Array]:
    """{name: activation} of the submodules at `names`, paths such as "inception_3a" or "inception_3a/1x1".

    Raises ZooError for a name that the network does not have.
    """
    paths = {"/".join(path) for path in _module_paths(model, x)}
    for name in names:
        if name not in paths:
            raise ZooError(f"{type(model).__name__} has no layer {name!r}{suggestion(name, paths)}")

    return logits_and_outputs(model, variables, x, names)[1]


def logits_and_outputs(
    model: nn.Module, variables: Variables, x: jax.Array, names: Sequence[str]
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """The logits, and {name: activation} as `features`, without checking the names. "" is the network itself."""

    def is_named(module: nn.Module, method: str) -> bool:
        return method == "__call__" and "/".join(module.path) in names

    logits, state = model.apply(variables, x, capture_intermediates=is_named, mutable=["intermediates"])
    return logits, {name: captured_output(state["intermediates"], name) for name in names}


def captured_output(intermediates: Mapping[str, Any], name: str) -> Any:
    """The output that Flax captured of the module at path `name`, of its first call."""
    for part in filter(None, name.split("/")):
        intermediates = intermediates[part]
    return intermediates["__call__"][0]


def _module_paths(model: nn.Module, x: jax.Array) -> set[tuple[str, ...]]:
    paths: set[tuple[str, ...]] = set()

    def record(module: nn.Module, method: str) -> bool:
        paths.add(module.path)
        return False

    def run(x: jax.Array) -> Any:
        return model.init(jax.random.key(0), x, capture_intermediates=record)

    jax.eval_shape(run, x)
    return paths - {()}
