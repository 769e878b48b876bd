"""Frozen parameters: which they are, apart from the trained ones, and how their modules run while the others learn."""

import inspect
import re
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

import jax
from flax import linen as nn

from zoo.errors import ZooError
from zoo.models.network import Network
from zoo.models.variables import init_shapes
from zoo.weights.files import key_of
from zoo.weights.head_and_aux import head_leaves

ModulePath = tuple[str, ...]


def frozen_parameters(model: Network, freeze: str) -> frozenset[str]:
    """The keys of what `freeze` freezes: "none", "backbone" (all but the head), or a regular expression.

    The expression must match a key such as "block3_1/expand/conv/kernel" from its first to its last character, or the
    path of a module above it, as "block3_1". Raises ZooError where it matches nothing, or part of the head.
    """
    if freeze == "none":
        return frozenset()
    keys = {key_of(place) for place, _ in jax.tree.leaves_with_path(init_shapes(model)["params"])}
    head = head_parameters(model)
    if freeze == "backbone":
        return frozenset(keys - head)
    pattern = re.compile(freeze)
    frozen = frozenset(key for key in keys if any(pattern.fullmatch(part) for part in with_parents(key)))
    if not frozen:
        raise ZooError(f"nothing is named {freeze!r} to freeze: the layers are {', '.join(top_level(keys))}")
    if frozen & head:
        raise ZooError(
            f"{freeze!r} would freeze the head, which must learn ({', '.join(sorted(frozen & head))}): "
            "backbone freezes all but that"
        )
    return frozen


def head_parameters(model: Network) -> frozenset[str]:
    """The keys of the head's parameters, as "fc/kernel". Raises ZooError where there is no head."""
    head = {key_of(place[1:]) for place in head_leaves(model) if place[0].key == "params"}
    if not head:
        raise ZooError(f"{type(model).__name__} has no head to replace: none of its parameters depends on the classes")
    return frozenset(head)


def with_parents(key: str) -> list[str]:
    """["a", "a/b", "a/b/c"] for "a/b/c"."""
    parts = key.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]


def top_level(keys: Iterable[str]) -> list[str]:
    """The first parts of the keys."""
    return sorted({key.split("/")[0] for key in keys})


def split(params: Any, frozen: frozenset[str]) -> tuple[Any, Any]:
    """(trained, fixed): two trees like `params`, each with None where the other has the leaf."""
    trained = jax.tree.map_with_path(lambda place, leaf: None if key_of(place) in frozen else leaf, params)
    fixed = jax.tree.map_with_path(lambda place, leaf: leaf if key_of(place) in frozen else None, params)
    return trained, fixed


def joined(trained: Any, fixed: Any) -> Any:
    """The inverse of `split`."""
    return jax.tree.map(lambda a, b: b if a is None else a, trained, fixed, is_leaf=lambda leaf: leaf is None)


def frozen_modules(params: Any, frozen: frozenset[str]) -> frozenset[ModulePath]:
    """The paths of the modules all of whose parameters are frozen, those inside them included."""
    above: dict[bool, set[ModulePath]] = {True: set(), False: set()}
    for place, _ in jax.tree.leaves_with_path(params):
        path = tuple(part.key for part in place)
        above[key_of(place) in frozen].update(path[:end] for end in range(len(path)))
    return frozenset(above[True] - above[False])


def in_inference(modules: frozenset[ModulePath]) -> AbstractContextManager:
    """While inside, the modules at these paths run as if not trained: no dropout, and running batch statistics.

    They are called with `train=False`; a batch norm is told when it is made, so another takes its place.
    """

    def intercept(function: Callable, args: tuple, kwargs: dict[str, Any], context: nn.module.InterceptorContext):
        module = context.module
        if context.method_name != "__call__" or module.path not in modules:
            return function(*args, **kwargs)
        if isinstance(module, nn.BatchNorm) and not module.use_running_average:
            return module.clone(use_running_average=True, parent=None).apply(module.variables, args[0])
        call = inspect.signature(context.orig_method).bind(*args, **kwargs)
        if "train" in call.arguments:
            call.arguments["train"] = False
        return function(*call.args, **call.kwargs)

    return nn.intercept_methods(intercept)


def unmoved(batch_stats: Any, before: Any, modules: frozenset[ModulePath]) -> Any:
    """The batch statistics, with those of the modules at these paths, and inside them, as they were before."""

    def choose(place: tuple, after: jax.Array, leaf: jax.Array) -> jax.Array:
        path = tuple(part.key for part in place)
        return leaf if any(path[:end] in modules for end in range(len(path))) else after

    return jax.tree.map_with_path(choose, batch_stats, before) if modules else batch_stats
