"""Frozen parameters: which they are, how they are kept apart, and how their modules run in training."""

import inspect
import re
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

import jax
from flax import linen as nn

from zoo.errors import ZooError, suggestion
from zoo.kernels.batch_norm import with_running_average
from zoo.models.network import Network
from zoo.models.user_module.contract import MODES, mode_values
from zoo.models.variables import init_shapes
from zoo.weights.files import key_of
from zoo.weights.head_and_aux import head_leaves

ModulePath = tuple[str, ...]


def frozen_parameters(model: Network, freeze: str) -> frozenset[str]:
    """The keys of the parameters that `freeze` selects: "none", "backbone" (all but the head), or a regular expression.

    The expression must match a whole key, such as "block3_1/expand/conv/kernel", or the whole path of a module above
    it, such as "block3_1". Raises ZooError if it matches nothing, or part of the head.
    """
    if freeze == "none":
        return frozenset()
    keys = {key_of(path) for path, _ in jax.tree.leaves_with_path(init_shapes(model)["params"])}
    head = head_parameters(model)
    if freeze == "backbone":
        return frozenset(keys - head)
    pattern = re.compile(freeze)
    frozen = frozenset(key for key in keys if any(pattern.fullmatch(path) for path in with_parents(key)))
    if not frozen:
        layers = top_level(keys)
        meant = suggestion(freeze, ["backbone", *layers])
        raise ZooError(f"freeze is {freeze!r}, which matches no parameter: the layers are {', '.join(layers)}{meant}")
    if frozen & head:
        raise ZooError(
            f"freeze is {freeze!r}, which matches the head ({', '.join(sorted(frozen & head))}), and that must be "
            "trainable: backbone freezes everything else"
        )
    return frozen


def head_parameters(model: Network) -> frozenset[str]:
    """The keys of the head's parameters, as "fc/kernel". Raises ZooError if there is no head."""
    head = {key_of(key_path[1:]) for key_path in head_leaves(model) if key_path[0].key == "params"}
    if not head:
        raise ZooError(f"{type(model).__name__} has no head to replace: its parameters do not depend on the classes")
    return frozenset(head)


def with_parents(key: str) -> list[str]:
    """["a", "a/b", "a/b/c"] for "a/b/c"."""
    parts = key.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]


def top_level(keys: Iterable[str]) -> list[str]:
    """The names of the top-level modules of the keys, sorted."""
    return sorted({key.split("/")[0] for key in keys})


def partition(params: Any, frozen: frozenset[str]) -> tuple[Any, Any]:
    """(trainable, frozen): two trees like `params`, each with None where the other has the leaf."""
    trainable = jax.tree.map_with_path(lambda key_path, leaf: None if key_of(key_path) in frozen else leaf, params)
    fixed = jax.tree.map_with_path(lambda key_path, leaf: leaf if key_of(key_path) in frozen else None, params)
    return trainable, fixed


def merge(trainable: Any, frozen: Any) -> Any:
    """The inverse of `partition`."""
    return jax.tree.map(lambda a, b: b if a is None else a, trainable, frozen, is_leaf=lambda leaf: leaf is None)


def frozen_modules(params: Any, frozen: frozenset[str]) -> frozenset[ModulePath]:
    """The paths of the modules whose parameters are all frozen, including the modules inside them."""
    above: dict[bool, set[ModulePath]] = {True: set(), False: set()}
    for key_path, _ in jax.tree.leaves_with_path(params):
        path = tuple(part.key for part in key_path)
        above[key_of(key_path) in frozen].update(path[:end] for end in range(len(path)))
    return frozenset(above[True] - above[False])


def in_inference_mode(modules: frozenset[ModulePath]) -> AbstractContextManager:
    """Within this context the modules at these paths run as in inference: no dropout, stored batch statistics.

    They are called with `train=False`, or what a user's module calls that. A batch norm has that as a field, so a copy
    with other fields runs instead. A dropout, which has no parameters, is part of the module around it.
    """

    def intercept(function: Callable, args: tuple, kwargs: dict[str, Any], context: nn.module.InterceptorContext):
        module = context.module
        if isinstance(module, nn.Dropout) and any(module.path[:end] in modules for end in range(len(module.path))):
            return args[0] if args else kwargs["inputs"]
        if context.method_name != "__call__" or module.path not in modules:
            return function(*args, **kwargs)
        if isinstance(module, nn.BatchNorm) and not module.use_running_average:
            return with_running_average(module, args[0])
        signature = inspect.signature(context.orig_method)
        call = signature.bind(*args, **kwargs)
        call.arguments |= mode_values(_arguments_to_set(module, signature, call.arguments.keys()), train=False)
        return function(*call.args, **call.kwargs)

    return nn.intercept_methods(intercept)


def _arguments_to_set(module: nn.Module, signature: inspect.Signature, given: Iterable[str]) -> set[str]:
    """The mode's arguments of a call: those that are given, or have another default than that of inference.

    One that is a field of the module as well, and set there, must not be given.
    """
    in_inference = mode_values(MODES, train=False)
    others = {
        name
        for name in signature.parameters.keys() & MODES.keys()
        if signature.parameters[name].default is not in_inference[name] and getattr(module, name, None) is None
    }
    return (MODES.keys() & set(given)) | others


def keep_frozen_statistics(batch_stats: Any, before: Any, modules: frozenset[ModulePath]) -> Any:
    """The new batch statistics, but those from `before` for the modules at these paths and inside them."""

    def choose(key_path: tuple, after: jax.Array, leaf: jax.Array) -> jax.Array:
        path = tuple(part.key for part in key_path)
        return leaf if any(path[:end] in modules for end in range(len(path))) else after

    return jax.tree.map_with_path(choose, batch_stats, before) if modules else batch_stats
