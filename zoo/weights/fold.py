"""Fold batch norms into the convolutions before them: the same function with fewer operations."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import flax.linen as nn
import numpy as np
from flax import traverse_util

from zoo.errors import ZooError
from zoo.models.network import Network
from zoo.models.variables import trace_init
from zoo.registry import create_model
from zoo.weights.files import Weights

ModulePath = tuple[str, ...]

# The convolution that a norm named `bn` follows, in the same block.
CONVOLUTIONS = ("conv", "pointwise")


def fold_batchnorm(
    model_name: str, variables: Mapping[str, Any], *, model: Network | None = None
) -> dict[str, dict[str, Any]]:
    """{"params": ...} without batch norm, for inference by the same network: `model.apply(folded, x)`.

    A convolution W with bias b followed by (y - mean) / sqrt(var + epsilon) * scale + shift becomes one convolution
    with W * s and (b - mean) * s + shift, where s = scale / sqrt(var + epsilon). `model` is the network where it is not
    the registry's default. Raises ZooError where a norm follows no convolution (DenseNet, ResNet v2), or there is none.
    """
    norms = batch_norms(model or create_model(model_name))
    if not norms:
        raise ZooError(f"{model_name} has no batch norm to fold")
    flat = {kind: traverse_util.flatten_dict(dict(variables.get(kind, {}))) for kind in ("params", "batch_stats")}
    folded = dict(flat["params"])
    for norm, epsilon in norms.items():
        conv = _convolution_before(norm, folded)
        if conv is None:
            raise ZooError(f"{model_name} cannot be folded: its norm {'/'.join(norm)} follows no convolution")
        _fold(folded, flat["batch_stats"], conv, norm, epsilon)
    return {"params": traverse_util.unflatten_dict(folded)}


def fold_weights(weights: Weights) -> Weights:
    """The same weights with batch norm folded into the convolutions. Raises ZooError as `fold_batchnorm` does."""
    return replace(weights, variables=fold_batchnorm(weights.model, weights.variables, model=weights.network()))


def batch_norms(model: Network) -> dict[ModulePath, float]:
    """The epsilon of each batch norm of a network, by the path of its module."""
    found: dict[ModulePath, float] = {}

    def record(call, args, kwargs, context: nn.module.InterceptorContext) -> Any:
        if isinstance(context.module, nn.BatchNorm):
            found[context.module.path] = context.module.epsilon
        return call(*args, **kwargs)

    with nn.intercept_methods(record):
        trace_init(model)
    return found


def _convolution_before(norm: ModulePath, params: Mapping[ModulePath, Any]) -> ModulePath | None:
    *block, name = norm
    found = [(*block, conv) for conv in CONVOLUTIONS if (*block, conv, "kernel") in params]
    return found[0] if name == "bn" and found else None


def _fold(
    params: dict[ModulePath, Any], stats: Mapping[ModulePath, Any], conv: ModulePath, norm: ModulePath, epsilon: float
) -> None:
    """Replace a convolution's parameters and remove its norm's, in place; in float64, rounded once."""
    mean, var = (np.asarray(stats[*norm, name], np.float64) for name in ("mean", "var"))
    shift = np.asarray(params.pop((*norm, "bias")), np.float64)
    scale = np.asarray(params.pop((*norm, "scale"), 1.0), np.float64) / np.sqrt(var + epsilon)
    kernel, bias = params[*conv, "kernel"], params.get((*conv, "bias"), 0.0)
    params[*conv, "kernel"] = (np.asarray(kernel, np.float64) * scale).astype(np.float32)
    params[*conv, "bias"] = ((np.asarray(bias, np.float64) - mean) * scale + shift).astype(np.float32)
