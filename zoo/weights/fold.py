"""Fold batch norms into the convolutions before them, and join branches: the same function with fewer operations."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import chain, count, takewhile
from typing import Any

import flax.linen as nn
import jax
import numpy as np
from flax import traverse_util

from zoo.errors import ZooError
from zoo.models.network import Network
from zoo.models.variables import init_shapes, trace_init
from zoo.registry import create_model
from zoo.weights.files import Weights
from zoo.weights.variable_tree import module_of

ModulePath = tuple[str, ...]

# The convolution that a norm named `bn` follows, in the same block.
CONVOLUTIONS = ("conv", "pointwise")
# Before their numbers, convolutions whose outputs are concatenated before a norm `bn`.
CONCATENATED = ("mixed", "path_")


def fold_batchnorm(
    model_name: str, variables: Mapping[str, Any], *, model: Network | None = None
) -> dict[str, dict[str, Any]]:
    """{"params": ...} without batch norm, for inference by the network with `folded=True`.

    A convolution W with bias b followed by (y - mean) / sqrt(var + epsilon) * scale + shift becomes one convolution
    with W * s and (b - mean) * s + shift, where s = scale / sqrt(var + epsilon). `model` is the network where it is not
    the registry's default. Parallel branches are joined to one convolution by a block that says how (`join_branches`,
    RepVGG and MobileOne). Raises ZooError where a norm follows no convolution (DenseNet, ResNet v2), or there is none,
    and for a network of your own without the field (`zoo.models.network.FoldableNetwork`).
    """
    model = model or create_model(model_name)
    if getattr(model, "folded", False):
        raise ZooError(f"{model_name} is folded already")
    modules = _called_modules(model)
    norms = _batch_norms_among(modules)
    if not norms:
        raise ZooError(f"{model_name} has no batch norm to fold")
    joins = {path: module.join_branches for path, module in modules.items() if hasattr(module, "join_branches")}
    flat = {kind: traverse_util.flatten_dict(dict(variables.get(kind, {}))) for kind in ("params", "batch_stats")}
    folded = dict(flat["params"])
    for norm, epsilon in norms.items():
        # A norm that is a branch by itself scales the input of the block.
        convolutions = [norm] if norm[:-1] in joins else _convolutions_before(norm, folded)
        if not convolutions:
            raise ZooError(f"{model_name} cannot be folded: its norm {'/'.join(norm)} follows no convolution")
        _fold(folded, flat["batch_stats"], convolutions, norm, epsilon)
    if not hasattr(model, "folded"):
        raise ZooError(f"{model_name} cannot be folded: its class {type(model).__name__} has no field named folded")
    for block, join in joins.items():
        _join(folded, block, {norm[len(block)] for norm in norms if norm[: len(block)] == block}, join)
    # Rounded once.
    rounded = {path: leaf.astype(np.float32) if leaf.dtype == np.float64 else leaf for path, leaf in folded.items()}
    return {"params": traverse_util.unflatten_dict(rounded)}


def reparametrize(model: Network, variables: Mapping[str, Any]) -> tuple[Network, dict[str, dict[str, Any]]]:
    """(the network for inference, its variables): parallel branches joined, batch norms folded; the same logits.

    What Ding et al. 2021 (arXiv:2101.03697) call structural re-parameterization. Raises ZooError as `fold_batchnorm`
    does.
    """
    return model.clone(folded=True), fold_batchnorm(type(model).__name__, variables, model=model)


def fold_weights(weights: Weights) -> Weights:
    """The same weights with batch norm folded into the convolutions. Raises ZooError as `fold_batchnorm` does."""
    variables = fold_batchnorm(weights.model, weights.variables, model=weights.network())
    return replace(weights, variables=variables, fields={**weights.fields, "folded": True})


def refuse_folded(model_name: str, variables: Mapping[str, Any], library: str) -> None:
    """Raises ZooError where the network has batch norms and the variables have none: the library's have them."""
    leaves = jax.tree.leaves_with_path(init_shapes(create_model(model_name)))
    norms = {module_of(path) for path, _ in leaves if path[0].key == "batch_stats"}
    if norms and norms.isdisjoint(module_of(path) for path, _ in jax.tree.leaves_with_path(dict(variables))):
        raise ZooError(
            f"the batch norms of {model_name} are folded into these weights, and {library}'s network has them: "
            "convert the weights that are not folded"
        )


def check_folded(model_name: str, variables: Mapping[str, Any], library: str) -> None:
    """Raises ZooError where the variables have batch norms, and the library's network has none."""
    if variables.get("batch_stats"):
        raise ZooError(
            f"these weights of {model_name} have batch norms, and those of {library} have none: give the variables "
            "that zoo.weights.reparametrize returns"
        )


def batch_norms(model: Network) -> dict[ModulePath, float]:
    """The epsilon of each batch norm of a network, by the path of its module."""
    return _batch_norms_among(_called_modules(model))


def _batch_norms_among(modules: Mapping[ModulePath, nn.Module]) -> dict[ModulePath, float]:
    return {path: module.epsilon for path, module in modules.items() if isinstance(module, nn.BatchNorm)}


def _called_modules(model: Network) -> dict[ModulePath, nn.Module]:
    """The modules of a network, by their paths, in the order of their calls."""
    found: dict[ModulePath, nn.Module] = {}

    def record(call, args, kwargs, context: nn.module.InterceptorContext) -> Any:
        found[context.module.path] = context.module
        return call(*args, **kwargs)

    with nn.intercept_methods(record):
        trace_init(model)
    return found


def _convolutions_before(norm: ModulePath, params: Mapping[ModulePath, Any]) -> list[ModulePath]:
    """The convolution that a norm follows, or those whose outputs it follows together; none where there is none."""
    *block, name = norm

    def is_convolution(conv: str) -> bool:
        return (*block, conv, "kernel") in params

    numbered = (takewhile(is_convolution, map(f"{prefix}{{}}".format, count(1))) for prefix in CONCATENATED)
    found = list(filter(is_convolution, CONVOLUTIONS))[:1] or list(chain.from_iterable(numbered))
    return [(*block, conv) for conv in found] if name == "bn" else []


def _fold(
    params: dict[ModulePath, Any],
    stats: Mapping[ModulePath, Any],
    convolutions: list[ModulePath],
    norm: ModulePath,
    epsilon: float,
) -> None:
    """Replace the convolutions' parameters and remove their norm's, in place; float64.

    A norm by itself, which is its own convolution, gets a kernel [channels] and a bias.
    """
    mean, var = (np.asarray(stats[*norm, name], np.float64) for name in ("mean", "var"))
    shift = np.asarray(params.pop((*norm, "bias")), np.float64)
    scale = np.asarray(params.pop((*norm, "scale"), 1.0), np.float64) / np.sqrt(var + epsilon)
    start = 0
    for conv in convolutions:
        kernel, bias = params.get((*conv, "kernel"), np.ones(len(mean))), params.get((*conv, "bias"), 0.0)
        group = slice(start, start := start + kernel.shape[-1])
        params[*conv, "kernel"] = np.asarray(kernel, np.float64) * scale[group]
        params[*conv, "bias"] = (np.asarray(bias, np.float64) - mean[group]) * scale[group] + shift[group]


def _join(params: dict[ModulePath, Any], block: ModulePath, names: set[str], join: Callable) -> None:
    """Replace the branches of a block, which have these names, by their sum, the block `conv`; in place."""
    branches = {}
    for name in sorted(names):
        branch = (*block, name) if (*block, name, "kernel") in params else (*block, name, "conv")
        branches[name] = params.pop((*branch, "kernel")), params.pop((*branch, "bias"))
    joined = (*block, "conv", "conv")
    params[*joined, "kernel"], params[*joined, "bias"] = join(branches)
